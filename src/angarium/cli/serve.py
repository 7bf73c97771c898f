"""`angarium serve`: API and worker in one process on the embedded engine."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from angarium import __version__, logs, wiring
from angarium.api.server import Server
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.config.users import DEMO_USERS
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.services.users import Provisioning

GRACE_SECONDS = 10.0
"""How long a stop may take to finish what is in hand."""

_log = logs.get("angarium.serve")


def run(settings: Settings, out: TextIO) -> int:
    """Serve until a signal says stop.

    Args:
        settings: Everything that can be set.
        out: Where the address is told.

    Returns:
        The exit status, 0 after a stop.

    Raises:
        SetupError: The service cannot start.
    """
    clock = SystemClock()
    with wiring.embedded_engine(settings, clock) as engine:
        wiring.provision(settings, Provisioning(engine.users, ScryptHasher(), clock))
        server = wiring.http_server(settings, engine, clock)
        worker = wiring.router_worker(settings, engine, clock)
        stopping = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stopping,), name="worker")
        with _stop_on_signal(server):
            thread.start()
            _log.info("started", f"serving on {server.url}", version=__version__, url=server.url)
            out.write(_greeting(settings, server.url))
            out.flush()
            try:
                server.serve()
            finally:
                stopping.set()
                thread.join()
    _log.info("stopped", "everything in hand was finished")
    return 0


@contextmanager
def _stop_on_signal(server: Server) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end_at_once)
        server.stop(GRACE_SECONDS)

    def end_at_once(number: int, _frame: FrameType | None) -> None:
        os._exit(128 + number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _greeting(settings: Settings, url: str) -> str:
    lines = [f"listening on {url}"]
    if settings.users is DEMO_USERS:
        names = ", ".join(user.username for user in settings.users)
        lines += [
            f"demo users: {names}; the password of each is NAME-demo",
            "try it in another terminal:",
            f"  curl -s {url}/auth/token -d 'username=alice&password=alice-demo'",
        ]
    return "\n".join(lines) + "\n"
