"""`serve`, `api` and `worker`: the commands that run until a signal."""

import argparse
import sys
import threading
from collections.abc import Callable
from typing import TextIO

from angarium import __version__, logs
from angarium.cli import process
from angarium.cli.arguments import Commands, add_command
from angarium.cli.console import Console
from angarium.cli.process import GRACE_S, greet, on_signal
from angarium.cli.start_settings import start_settings
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.errors import StoreUnavailable
from angarium.instance import instance_name
from angarium.ports.users import UserStore

_SETTINGS = "ANGARIUM_KAFKA=localhost:9092 ANGARIUM_CASSANDRA=localhost:9042 ANGARIUM_JWT_SECRET=…"

_log = logs.get("angarium.cli")


def register(commands: Commands) -> None:
    """Add the commands.

    Args:
        commands: The parser's list of commands.
    """
    serve = add_command(
        commands,
        "serve",
        _serve,
        "run API and worker in one process",
        "Run the API and the worker in one process on the embedded engine. Settings are "
        "environment variables: see `angarium config`. Ctrl-C or SIGTERM finish the work in "
        "progress and stop.",
        "angarium serve\nANGARIUM_PORT=9000 ANGARIUM_DATA=/srv/angarium angarium serve",
    )
    serve.add_argument(
        "--no-worker",
        action="store_true",
        help="accept messages and apply none: they wait in the log for a later `serve`",
    )
    add_command(
        commands,
        "api",
        lambda _, console: _run("api", _serve_api, console),
        "run one instance of the API on Kafka and Cassandra",
        "Run one instance of the API; any number can run at the same time. Run `angarium init` "
        "once before. Ctrl-C or SIGTERM finish the work in progress and stop.",
        f"{_SETTINGS} angarium api",
    )
    add_command(
        commands,
        "worker",
        lambda _, console: _run("worker", _run_worker, console),
        "run one instance of the worker on Kafka and Cassandra",
        "Run one instance of the worker; as many as there are partitions share the work. Run "
        "`angarium init` once before. Ctrl-C or SIGTERM finish the work in progress, commit and "
        "leave the group.",
        f"{_SETTINGS} angarium worker",
    )


def _run(service: str, work: Callable[[Settings, TextIO, str], None], console: Console) -> int:
    """Configure logs and signals, then run a service until stopped."""
    process.return_free_memory()
    settings = start_settings(service, console)
    instance = instance_name()
    handler = logs.configure(
        service, settings.log_level, settings.log_format, console.stderr, instance
    )
    for line in settings.warnings:
        _log.warning("weak_consistency", line)
    try:
        # Until there is something to finish, a signal just ends the
        # start.
        with on_signal(sys.exit):
            work(settings, console.stdout, instance)
        _log.info("stopped", "all work in progress was finished")
    except SystemExit:
        _log.info("stopped", "stopped before any work began")
    finally:
        handler.close()
    return 0


def _serve(arguments: argparse.Namespace, console: Console) -> int:
    """Run API and worker in this process, or the API alone."""

    def work(settings: Settings, out: TextIO, instance: str) -> None:
        """Serve until a signal."""
        # Clients start faster without the server.
        from angarium.cli import serve

        serve.run(settings, out, instance, applies=not arguments.no_worker)

    return _run("serve", work, console)


def _serve_api(settings: Settings, out: TextIO, instance: str) -> None:
    """Serve HTTP until a signal, on Kafka and Cassandra."""
    # As above.
    from angarium import wiring
    from angarium.wiring.distributed import distributed_engine

    clock = SystemClock()
    with distributed_engine(settings, clock, instance) as engine:
        _refuse_public_passwords(settings, engine.users)
        server = wiring.http_server(settings, engine, clock)
        process.tune_garbage_collector()
        with on_signal(lambda: server.stop(GRACE_S)):
            server.start()
            _log.info("started", f"serving on {server.url}", version=__version__, url=server.url)
            greet(out, f"listening on {server.url}\n")
            server.serve()


def _refuse_public_passwords(settings: Settings, users: UserStore) -> None:
    """Refuse to start with the demo's passwords."""
    from angarium import wiring

    try:
        wiring.refuse_public_passwords(settings, users)
    except StoreUnavailable as error:
        # A start waits for no store; `angarium init`, without which
        # none of this is there, has looked.
        _log.warning(
            "store_unavailable",
            "whether demo users have the passwords that everybody knows could not be looked up; "
            "going on",
            error_type=type(error).__name__,
        )


def _run_worker(settings: Settings, out: TextIO, instance: str) -> None:
    """Apply the log until a signal."""
    # As above.
    from angarium import wiring
    from angarium.wiring.distributed import distributed_engine

    clock = SystemClock()
    stopping = threading.Event()
    with distributed_engine(settings, clock, instance) as engine:
        worker = wiring.router_worker(settings, engine, clock)
        process.tune_garbage_collector()
        with on_signal(stopping.set):
            _log.info("started", "working", version=__version__, group=settings.group)
            greet(out, f"working in group {settings.group}\n")
            worker.run(stopping)
