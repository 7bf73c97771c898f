"""A server that runs in a thread for the length of a block."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from angarium.api.interface import Application
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.server import Server
from angarium.clock import Clock, SystemClock
from tests.fakes.raw_client import RawClient, get

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


Start = Callable[..., Running]
"""Starts a server with the limits that are named."""


@contextmanager
def serving(
    application: Application,
    limits: ServerLimits | None = None,
    clock: Clock | None = None,
    idle_hint: Callable[[], None] | None = None,
) -> Iterator[Running]:
    server = Server(
        ("127.0.0.1", 0),
        application,
        limits or ServerLimits(),
        clock or SystemClock(),
        idle_hint=idle_hint,
    )
    running = Running(server)
    try:
        yield running
    finally:
        running.end()


def turn(running: Running) -> None:
    """Let the server finish all that it was doing."""
    with RawClient(running.url) as nudge:
        nudge.ask(get("/echo"))


def seen(running: Running, condition: Callable[[], bool], nudging: bytes = get("/echo")) -> None:
    """Give the server turn after turn until a condition holds, each by
    a request that it answers at once.
    """
    with RawClient(running.url) as nudge:
        for _ in range(10_000):
            if condition():
                return
            nudge.ask(nudging)
    raise AssertionError("the condition never came to hold")
