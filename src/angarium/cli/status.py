"""`angarium status`: how far the workers are, what the store says."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from angarium.cli.arguments import Commands, add_command, add_json
from angarium.cli.console import Console
from angarium.cli.errors import EXIT_FAILED
from angarium.cli.start_settings import command_logs, settings_with_data

if TYPE_CHECKING:
    from angarium.cli.status_report import StatusReport
    from angarium.services.status import StatusReader

PERIOD_S = 1.0
"""From one reading to the next."""


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "status",
        _run,
        "show how far the workers are, and whether log and store answer",
        "Show each partition of the log with the offsets that it holds, how far the workers have "
        "committed, their lag and which instance owns it; the sums; and the store with its "
        "nodes, or the size of its file. It works while the service runs and changes nothing in "
        "it. Exit status 1 when the log or the store does not answer.",
        "angarium status\nangarium status --watch\nangarium status --json",
    )
    parser.add_argument(
        "--watch", action="store_true", help="show it anew every second, until Ctrl-C"
    )
    add_json(parser, "print a JSON object; with --watch one a line")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the status once, or again and again."""
    if arguments.watch:
        try:
            return _watch(arguments, console)
        except KeyboardInterrupt:
            # The usual end: there is no other.
            return 0
    with _open(console) as reader:
        report = _read(reader)
    if arguments.json:
        console.say_json(report.json())
    else:
        for line in report.lines():
            console.say(console.paint(line.text, line.style))
    for problem in report.status.problems:
        console.complain(problem)
    return EXIT_FAILED if report.status.problems else 0


def _watch(arguments: argparse.Namespace, console: Console) -> int:
    """Show one status after the other, until Ctrl-C."""
    from angarium.cli.status_screen import JsonLines, Snapshots, StatusScreen

    on_screen = console.stdout.isatty() and console.environment.get("TERM", "dumb") != "dumb"
    with _open(console) as reader:
        shows = JsonLines(console) if arguments.json else Snapshots(console)
        view = StatusScreen(console) if on_screen and not arguments.json else shows
        try:
            while True:
                began = time.monotonic()
                view.show(_read(reader))
                view.wait(began + PERIOD_S - time.monotonic())
        finally:
            view.close()


def _read(reader: "StatusReader") -> "StatusReport":
    """Read everything that answers now."""
    from angarium.cli.status_report import StatusReport

    return StatusReport(reader.read())


@contextmanager
def _open(console: Console) -> Iterator["StatusReader"]:
    """Open the engine that the settings name, for reading."""
    settings = settings_with_data(console)
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring
    from angarium.services.status import StatusReader

    # What is wrong is a part of the status; lines about it would go
    # into the middle of the screen.
    quiet = command_logs(settings, console, "CRITICAL")
    with quiet, wiring.open_inspection(settings) as inspection:
        yield StatusReader(inspection.log, inspection.dead_letters, inspection.store)
