"""`angarium import`: puts an export into an empty engine."""

import argparse
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from angarium import logs
from angarium.cli.arguments import Commands, add_command
from angarium.cli.console import Console
from angarium.cli.errors import CommandError
from angarium.cli.export import LINES_BETWEEN_LOOKS, Progress, note_retries
from angarium.config import Settings

if TYPE_CHECKING:
    from angarium.services.transfer.entries import Counts
    from angarium.services.transfer.importer import Importer


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "import",
        _run,
        "put an export into an empty engine",
        "Put what `angarium export` has written into the engine that the settings name: the data "
        "folder, or Kafka and Cassandra after `angarium init`. Stop the service before. The "
        "target must be empty; users that the settings name may be there, and those of the file "
        "replace them. An import that was interrupted goes on when it is repeated with the same "
        "file. At the end everything is read back and compared.",
        "angarium import backup.jsonl",
    )
    parser.add_argument("file", metavar="FILE", help="what `angarium export` has written")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Import a file, and say what was in it."""
    step = _Step()
    with _open_regular_file(Path(arguments.file)) as file, _open(console, step) as importer:
        from angarium.services.transfer.export_file import InvalidExport
        from angarium.services.transfer.importer import ImportRefused
        from angarium.services.transfer.verification import ImportDiffers

        try:
            found = importer.run(file)
        except InvalidExport as error:
            raise CommandError(f"{arguments.file}: {error}") from error
        except (ImportRefused, ImportDiffers) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            console.complain(f"interrupted: {step}; the same command goes on")
            raise
    console.say(f"imported {found.counts}, sha256 {found.sha256}")
    if importer.was_complete:
        console.note(
            "all of it was there already, from an earlier import of this file; it was compared "
            "once more, and what had changed was written again"
        )
    return 0


@dataclass
class _Step:
    """How far an import is, for whoever interrupts it.

    Attributes:
        what: What is being done, as `Importer` calls it.
        counts: How far that is.
    """

    what: str = ""
    counts: "Counts | None" = None

    def __str__(self) -> str:
        """Say what was written."""
        if self.what == "compared":
            return "everything was written, and not all of it compared with the file yet"
        if self.what == "imported":
            # The last ones are on their way.
            return f"at most {self.counts} were written"
        return "nothing was written yet"


@contextmanager
def _open_regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that can be read more than once."""
    # A pipe would be waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise CommandError(
            f"{path} is not a regular file; an import reads it more than once, so write it to one "
            "first"
        )
    with os.fdopen(descriptor, "rb") as file:
        yield file


@contextmanager
def _open(console: Console, step: _Step) -> Iterator["Importer"]:
    """Open the engine that the settings name, for this command."""
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium.wiring.transfer import open_import

    progress = Progress(console)
    looks = 0

    def show(what: str, counts: "Counts") -> None:
        """Show a count, unless one was shown just before."""
        nonlocal looks
        step.what, step.counts = what, counts
        looks += 1
        if looks % LINES_BETWEEN_LOOKS == 0:
            progress.show(f"{what} {counts} so far")

    handler = logs.configure("cli", "WARNING", settings.log_format, console.stderr)
    try:
        with open_import(settings, note_retries(console), show) as importer:
            yield importer
    finally:
        progress.clear()
        handler.close()
