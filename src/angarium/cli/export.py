"""`angarium export`: everything that matters, in one file."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from angarium.cli.arguments import Commands, add_command
from angarium.cli.console import Console, ProgressLine
from angarium.cli.errors import CommandError
from angarium.cli.start_settings import command_logs, settings_with_data
from angarium.file_safety import UnsafeFile, replace_whole

if TYPE_CHECKING:
    from angarium.services.transfer.backlog import Backlog
    from angarium.wiring.transfer import Export

STDOUT = "-"

LINES_BETWEEN_LOOKS = 256
"""Lines between two looks at the clock of the progress."""

NOTE_EVERY_S = 5.0
"""Seconds between two lines of progress where there is no terminal."""

MAX_NAMES = 10
"""Users that are named in one line."""

SHOW_EVERY_S = 0.1
"""The same on a terminal, which is rewritten."""


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "export",
        _run,
        "write users, conversations and messages to a file",
        "Write everything that matters as JSON Lines: users with their password hashes, "
        "conversations, messages with their positions and statuses. It works while the service "
        "runs, and is a backup. `angarium import` puts it into either engine. FILE appears whole "
        "or not at all, and only its owner may read it.",
        "angarium export backup.jsonl\nangarium export | gzip > backup.jsonl.gz",
    )
    parser.add_argument(
        "file",
        nargs="?",
        default=STDOUT,
        metavar="FILE",
        help="where to write; an earlier export is replaced (default: stdout)",
    )
    parser.add_argument(
        "--stored-only",
        action="store_true",
        help="do not wait for messages that are accepted and not stored yet",
    )


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Export, and say what is in the file."""
    if arguments.file == STDOUT:
        console.require_stdout()
    with _open(arguments, console) as export:
        exporter = export.exporter
        if arguments.file == STDOUT:
            for line in _with_progress(export, console):
                console.stdout.write(line.decode("ascii"))
            console.stdout.flush()
        else:
            try:
                _write(export, Path(arguments.file), console)
            except KeyboardInterrupt:
                console.complain(f"interrupted; {arguments.file} was not written")
                raise
        console.note(f"exported {exporter.counts}, sha256 {exporter.sha256}")
        if exporter.without_password:
            console.complain(_explain_missing_passwords(exporter.without_password))
    return 0


def _explain_missing_passwords(usernames: Sequence[str]) -> str:
    """Say whose passwords the file lacks, and what to do."""
    names = ", ".join(usernames[:MAX_NAMES])
    if len(usernames) > MAX_NAMES:
        names += f" and {len(usernames) - MAX_NAMES:,} more"
    return (
        f"the file lacks the passwords of {names}: they are configured and not hashed yet; export "
        "again once the running service has logged `passwords_stored`"
    )


def _write(export: "Export", path: Path, console: Console) -> None:
    """Write a file that appears whole or not at all."""
    try:
        with replace_whole(path, b'{"angarium_export":') as file:
            for line in _with_progress(export, console):
                file.write(line)
    except UnsafeFile as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from error


def _with_progress(export: "Export", console: Console) -> Iterator[bytes]:
    """Yield the export's lines, and show now and then how many."""
    progress = Progress(console)
    try:
        for number, line in enumerate(export.exporter.lines()):
            if number % LINES_BETWEEN_LOOKS == 0:
                progress.show(f"exported {export.exporter.counts} so far")
            yield line
    finally:
        progress.clear()


class Progress:
    """Shows how far long work is.

    On a terminal it is one line, which is rewritten; elsewhere there is
    a plain line now and then.
    """

    def __init__(self, console: Console) -> None:
        """Show nothing yet."""
        self._console = console
        self._line = ProgressLine(console)
        self._is_terminal = console.stderr.isatty()
        self._every_s = SHOW_EVERY_S if self._is_terminal else NOTE_EVERY_S
        self._next = time.monotonic() + self._every_s

    def show(self, text: str) -> None:
        """Show a text, unless one was shown just before.

        Args:
            text: One line.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every_s
        if self._is_terminal:
            self._line.show(text)
        else:
            self._console.note(text)

    def clear(self) -> None:
        """Leave an empty line for what comes next."""
        self._line.clear()


def note_retries(console: Console) -> Callable[[Exception, float], None]:
    """Make a callback that says why a command waits.

    Args:
        console: Where it says so.

    Returns:
        A function to call before each retry.
    """
    return lambda error, _: console.note(f"trying again: {error}")


def _await_stored(backlog: "Backlog", console: Console) -> None:
    """Wait for what was accepted before the export, and say so."""
    progress = Progress(console)
    try:
        backlog.await_stored(
            lambda left: progress.show(f"waiting for {left:,} records to be stored")
        )
    finally:
        progress.clear()


@contextmanager
def _open(arguments: argparse.Namespace, console: Console) -> Iterator["Export"]:
    """Open the engine that the settings name, for this command."""
    settings = settings_with_data(console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium.services.transfer.backlog import NotStored
    from angarium.services.transfer.exporter import StoreDamaged
    from angarium.wiring.transfer import open_export

    try:
        with (
            command_logs(settings, console),
            open_export(settings, note_retries(console)) as export,
        ):
            if not arguments.stored_only:
                _await_stored(export.backlog, console)
            yield export
    except (NotStored, StoreDamaged) as error:
        raise CommandError(str(error)) from error
