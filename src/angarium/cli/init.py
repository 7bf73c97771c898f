"""`angarium init`: makes what the service needs before it starts."""

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from angarium import logs
from angarium.cli.arguments import Commands, add_command, seconds
from angarium.cli.console import Console, ProgressLine
from angarium.cli.start_settings import start_settings
from angarium.cli.step_notes import StepNotes
from angarium.config import Settings

if TYPE_CHECKING:
    from angarium.wiring.administration import UserAdmin

DEFAULT_TIMEOUT_S = 60.0

MANY_USERS = 20
"""From this number on hashing takes seconds: show the progress."""

NOTE_EVERY_S = 5.0
"""Seconds between two lines of progress where there is no terminal."""


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "init",
        _run,
        "create what the service needs",
        "Create topics, keyspace, tables and the configured users; without servers in the "
        "settings, create the data folder. Safe to repeat and to run concurrently; `angarium "
        "serve` does not need it.",
        "angarium init",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help=f"how long to wait for servers (default: {DEFAULT_TIMEOUT_S:g})",
    )


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Prepare the engine, then add the configured users."""
    settings = start_settings("init", console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring

    for line in settings.warnings:
        console.complain(line)
    give_up_at = time.monotonic() + arguments.timeout
    handler = logs.configure("cli", "WARNING", settings.log_format, console.stderr)
    try:
        with StepNotes(console) as notes:
            ready = (
                _prepare_servers(settings, arguments.timeout, console, notes)
                if settings.kafka
                else settings.data
            )
            notes.begin("opening the store")
            with wiring.open_identity(settings, max(0.0, give_up_at - time.monotonic())) as admin:
                _add_users(settings, admin, console, notes)
    finally:
        handler.close()
    console.say(f"{ready} is ready; users: {', '.join(user.username for user in settings.users)}")
    return 0


def _add_users(settings: Settings, admin: "UserAdmin", console: Console, notes: StepNotes) -> None:
    """Add the configured users, and say how far that is."""
    from angarium import wiring

    users = len(settings.users)
    if users >= MANY_USERS:
        # They have a progress of their own.
        notes.end()
    notes.begin(f"adding the {users} configured users")
    wiring.provision(settings, admin.provisioning, _progress(users, console))
    notes.begin("looking for passwords that everybody knows")
    wiring.refuse_public_passwords(settings, admin.users)


def _progress(users: int, console: Console) -> Callable[[int], None]:
    """Make a callback that shows how many users are ready.

    On a terminal it rewrites one line, elsewhere it prints one now and
    then.

    Args:
        users: How many there are; a few show no progress.
        console: Where it is shown.

    Returns:
        A function to call with the number that are ready.
    """
    line = ProgressLine(console)
    next_note = time.monotonic() + NOTE_EVERY_S

    def show(done: int) -> None:
        """Show a count, unless there are few users."""
        nonlocal next_note
        if users < MANY_USERS:
            return
        text = f"{done:,} of {users:,} users are ready"
        line.show(text)
        if done == users:
            line.clear()
        elif not console.stderr.isatty() and time.monotonic() >= next_note:
            next_note = time.monotonic() + NOTE_EVERY_S
            console.note(text)

    return show


def _prepare_servers(
    settings: Settings, timeout_s: float, console: Console, notes: StepNotes
) -> str:
    """Create topics and tables; warn if replicas are missing."""
    from angarium.wiring.distributed import prepare

    report = prepare(settings, timeout_s, notes.begin)
    if report.nodes < settings.replication:
        console.complain(
            f"{report.nodes} of the {settings.replication} replicas of each row are up; without a "
            "quorum nothing is stored or read, and losing a node loses what only that node has"
        )
    return f"topic {settings.topic} and keyspace {settings.keyspace}"
