"""`angarium serve`: API and worker in one process, on SQLite."""

import sys
import threading
from typing import TextIO

from angarium import __version__, logs, wiring
from angarium.cli import process
from angarium.cli.process import GRACE_S, greet, on_signal
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.config.users import DEMO_PEOPLE, DEMO_USERS
from angarium.threads import NamedThread

SWITCH_INTERVAL_S = 0.002
"""How long a busy thread keeps the interpreter lock.

SQLite releases it at every step, the event loop at every system call,
so each may have to wait for as long. But a switch takes tens of
microseconds: with 0.1 ms, p95 at 1,000/s was 1.9 times as long, and
0.87 times as many messages were accepted (docs/performance.md). With
Python's 5 ms it is as with this one. While many requests need the
store, the embedded engine's `CROWDED_SWITCH_S` holds.
"""

_log = logs.get("angarium.cli")


def run(settings: Settings, out: TextIO, instance: str, *, applies: bool = True) -> None:
    """Serve until a signal says stop.

    Args:
        settings: Everything that can be set.
        out: Where the address is printed.
        instance: The name of this process.
        applies: Whether a worker runs; without one, what is accepted
            waits in the log.

    Raises:
        SetupError: The service cannot start.
    """
    clock = SystemClock()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with wiring.embedded_engine(settings, clock, instance, applies=applies) as engine:
        configured = wiring.admit_configured_users(settings, engine.users, clock)
        wiring.refuse_public_passwords(settings, engine.users, configured)
        server = wiring.http_server(settings, engine, clock, configured)
        hashing = wiring.password_hashing(engine.users, configured, clock)
        stopping = threading.Event()
        process.tune_garbage_collector()
        threads = [NamedThread(target=hashing.run, args=(stopping,), name="passwords")]
        if applies:
            worker = wiring.router_worker(settings, engine, clock)
            threads.append(NamedThread(target=worker.run, args=(stopping,), name="worker"))
        with on_signal(lambda: server.stop(GRACE_S)):
            try:
                server.start()
                for thread in threads:
                    thread.start()
                _log.info(
                    "started", f"serving on {server.url}", version=__version__, url=server.url
                )
                greet(out, _greeting(settings, server.url, applies))
                server.serve()
            finally:
                stopping.set()
                for thread in threads:
                    if thread.ident is not None:
                        thread.join()


def _greeting(settings: Settings, url: str, applies: bool) -> str:
    """Say where it listens and how to try it."""
    lines = [f"listening on {url}"]
    if not applies:
        lines.append("no worker runs: messages are accepted and wait in the log")
    if settings.users is DEMO_USERS:
        names = ", ".join(DEMO_PEOPLE)
        lines += [
            f"demo users: {names}; the password of each is NAME-demo",
            "try it in another terminal:",
            f"  curl -s {url}/auth/token -d 'username=alice&password=alice-demo'",
        ]
    if settings.page:
        lines.append(f"or in a browser: {url}/")
    return "\n".join(lines) + "\n"
