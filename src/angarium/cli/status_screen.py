"""Shows one status after the other: on a terminal, or in a pipe."""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from angarium.cli.console import Console
from angarium.cli.status_report import ReportLine, StatusReport
from angarium.cli.text import head

HOME = "\x1b[H"
TO_END_OF_LINE = "\x1b[K"
TO_END_OF_SCREEN = "\x1b[J"
"""Nothing is cleared before something new is written over it, so the
screen does not flicker. No mode of the terminal is changed, so nothing
has to be restored, however this ends.
"""

FALLBACK_SIZE = os.terminal_size((80, 24))

RESIZE_CHECK_S = 0.1
"""How often a wait looks whether the terminal has another size."""


class StatusScreen:
    """Draws over what it has drawn before."""

    def __init__(self, console: Console) -> None:
        """Use the console's terminal."""
        self._console = console
        self._size: os.terminal_size | None = None
        self._report: StatusReport | None = None

    def show(self, report: StatusReport) -> None:
        """Draw a report in place of the one before.

        Args:
            report: What to show.
        """
        if self._size is None:
            # What was on the screen scrolls up, where it can be read.
            self._console.stdout.write("\n" * _terminal_size(self._console).lines)
        self._report = report
        self._draw()

    def wait(self, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait, and draw again when the terminal has another size.

        Args:
            seconds: How long.
            sleep: Replaces `time.sleep` in tests.
        """
        expires_at = time.monotonic() + seconds
        while (left := expires_at - time.monotonic()) > 0:
            sleep(min(left, RESIZE_CHECK_S))
            if _terminal_size(self._console) != self._size:
                self._draw()

    def _draw(self) -> None:
        """Write the frame at once, without its last line end."""
        if self._report is None:
            return
        self._size = _terminal_size(self._console)
        lines = [ReportLine(f"{_now()}  every second, Ctrl-C ends"), ReportLine("")]
        lines += self._report.screen_lines(max(0, self._size.lines - len(lines)))
        # A character in the last column would make some terminals
        # begin a new line.
        texts = [
            self._console.paint(head(line.text, self._size.columns - 1), line.style)
            for line in lines[: self._size.lines]
        ]
        frame = f"{TO_END_OF_LINE}\r\n".join(texts)
        self._console.stdout.write(f"{HOME}{frame}{TO_END_OF_LINE}{TO_END_OF_SCREEN}")
        self._console.stdout.flush()

    def close(self) -> None:
        """Leave the cursor on a line below the last frame."""
        if self._size is not None:
            self._console.stdout.write("\n")
            self._console.stdout.flush()


class Snapshots:
    """Writes one status after the other, for a pipe or a file."""

    def __init__(self, console: Console) -> None:
        """Write to the console's stdout."""
        self._console = console

    def show(self, report: StatusReport) -> None:
        """Write a report, headed by the time.

        Args:
            report: What to write.
        """
        self._console.say(_now())
        for line in (*report.lines(), *report.problems()):
            self._console.say(line.text)
        self._console.say("")
        self._console.stdout.flush()

    def wait(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: How long; not at all when it is 0 or less.
        """
        time.sleep(max(0.0, seconds))

    def close(self) -> None:
        """Nothing is left to write."""


class JsonLines(Snapshots):
    """Writes one JSON object a line, for a program."""

    def __init__(self, console: Console) -> None:
        """Write to the console's stdout; problems go to stderr."""
        super().__init__(console)
        self._problems: Sequence[str] = ()

    def show(self, report: StatusReport) -> None:
        """Write a report; complain about a problem once.

        Args:
            report: What to write.
        """
        self._console.say_json(report.json())
        self._console.stdout.flush()
        for problem in report.status.problems:
            if problem not in self._problems:
                self._console.complain(problem)
        self._problems = report.status.problems


def _now() -> str:
    """Return the time of day, in UTC as all times here are."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _terminal_size(console: Console) -> os.terminal_size:
    """Return the size of stdout's terminal, which may change."""
    try:
        size = os.get_terminal_size(console.stdout.fileno())
    except OSError:
        return FALLBACK_SIZE
    # A terminal whose size nobody has set has no lines.
    return size if size.columns and size.lines else FALLBACK_SIZE
