"""A server that runs in a thread for the length of a block."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from angarium.api.exchange import Application
from angarium.api.limits import ServerLimits
from angarium.api.server import Server
from angarium.clock import Clock, SystemClock

PATIENCE = 30.0


class Running:
    """A server and the thread that it runs in."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self._thread = threading.Thread(target=server.serve, name="server")
        self._thread.start()

    def stopped(self, patience: float = PATIENCE) -> bool:
        """Wait for the server to be done."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def end(self) -> None:
        self.server.stop(0)
        self.server.stop(0)
        assert self.stopped(), "the server did not stop"


@contextmanager
def serving(
    application: Application, limits: ServerLimits | None = None, clock: Clock | None = None
) -> Iterator[Running]:
    server = Server(("127.0.0.1", 0), application, limits or ServerLimits(), clock or SystemClock())
    running = Running(server)
    try:
        yield running
    finally:
        running.end()
