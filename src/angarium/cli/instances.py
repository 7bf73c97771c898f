"""`angarium api` and `angarium worker`: one instance of each half on Kafka and Cassandra."""

import sys
import threading
from collections.abc import Callable
from typing import TextIO

from angarium import __version__, logs
from angarium.cli import heap
from angarium.cli.arguments import Commands, add_command
from angarium.cli.console import Console
from angarium.cli.stopping import GRACE_SECONDS, on_signal
from angarium.clock import SystemClock
from angarium.config import Settings, SettingsError
from angarium.domain.errors import StoreUnavailable
from angarium.ports.users import UserStore

_SETTINGS = "ANGARIUM_KAFKA=localhost:9092 ANGARIUM_CASSANDRA=localhost:9042 ANGARIUM_JWT_SECRET=…"

_log = logs.get("angarium.instance")


def register(commands: Commands) -> None:
    """Add the commands.

    Args:
        commands: Where they belong.
    """
    add_command(
        commands,
        "api",
        lambda _, console: _run("api", _serve_api, console),
        "run one instance of the API on Kafka and Cassandra",
        "Run one instance of the API; any number may run side by side. Run `angarium init` once before. "
        "Ctrl-C or SIGTERM finish what is in hand and stop.",
        f"{_SETTINGS} angarium api",
    )
    add_command(
        commands,
        "worker",
        lambda _, console: _run("worker", _run_worker, console),
        "run one instance of the worker on Kafka and Cassandra",
        "Run one instance of the worker; as many as there are partitions share the work. Run `angarium init` "
        "once before. Ctrl-C or SIGTERM finish what is in hand, commit and leave the group.",
        f"{_SETTINGS} angarium worker",
    )


def _run(service: str, work: Callable[[Settings, TextIO], None], console: Console) -> int:
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    problems = settings.problems_for(service)
    if problems:
        raise SettingsError(problems)
    handler = logs.configure(service, settings.log_level, settings.log_format, console.stderr)
    for line in settings.warnings:
        _log.warning("weak_consistency", line)
    try:
        # Until there is something to finish, a signal just ends the start.
        with on_signal(sys.exit):
            work(settings, console.stdout)
        _log.info("stopped", "everything in hand was finished")
    except SystemExit:
        _log.info("stopped", "nothing was in hand yet")
    finally:
        handler.close()
    return 0


def _serve_api(settings: Settings, out: TextIO) -> None:
    # The engines are loaded only by the commands that use them: the clients start faster without.
    from angarium import wiring
    from angarium.wiring.distributed import distributed_engine

    clock = SystemClock()
    with distributed_engine(settings, clock) as engine:
        _refuse_public_passwords(settings, engine.users)
        server = wiring.http_server(settings, engine, clock)
        heap.settle()
        with on_signal(lambda: server.stop(GRACE_SECONDS)):
            _log.info("started", f"serving on {server.url}", version=__version__, url=server.url)
            out.write(f"listening on {server.url}\n")
            out.flush()
            server.serve()


def _refuse_public_passwords(settings: Settings, users: UserStore) -> None:
    from angarium import wiring

    try:
        wiring.refuse_public_passwords(settings, users)
    except StoreUnavailable as error:
        # A start waits for no store; `angarium init`, without which none of this is there, has looked.
        _log.warning(
            "store_unavailable",
            "whether demo users have the passwords that everybody knows could not be looked up; going on",
            error_type=type(error).__name__,
        )


def _run_worker(settings: Settings, out: TextIO) -> None:
    # As above.
    from angarium import wiring
    from angarium.wiring.distributed import distributed_engine

    clock = SystemClock()
    stopping = threading.Event()
    with distributed_engine(settings, clock) as engine:
        worker = wiring.router_worker(settings, engine, clock)
        heap.settle()
        with on_signal(stopping.set):
            _log.info("started", "working", version=__version__, group=settings.group)
            out.write(f"working in group {settings.group}\n")
            out.flush()
            worker.run(stopping)
