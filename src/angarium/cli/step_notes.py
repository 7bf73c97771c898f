"""Names the step that a command is at, once it takes long."""

import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from angarium.cli.console import Console
from angarium.threads import NamedThread

SLOW_S = 3.0
"""Seconds without a word after which a person should know."""

REPEAT_S = 15.0
"""Seconds after which the same step is told again."""


class StepNotes:
    """Names the step a command is at, on stderr, if it takes long.

    A command that is done before that says nothing, and neither does
    one whose stderr is not a terminal: there one line says what went
    wrong. A thread looks now and then which step it is; a step that
    lasts is told again, with its seconds.
    """

    def __init__(self, console: Console, slow_s: float = SLOW_S) -> None:
        """Say nothing yet.

        Args:
            console: Where it is told.
            slow_s: Seconds between two looks.
        """
        self._console = console
        self._slow_s = slow_s
        self._step = ""
        self._began = 0.0
        self._told = ""
        self._told_at = 0.0
        self._ended = threading.Event()
        self._thread = NamedThread(target=self._run, name="step-notes", daemon=True)

    def __enter__(self) -> Self:
        """Start to look, where a person does."""
        if not self._console.stderr.isatty():
            return self
        # Where the system has no thread to spare, nothing is told.
        with suppress(RuntimeError):
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say nothing any more; what comes next is printed alone."""
        self.end()

    def begin(self, step: str) -> None:
        """Go on to the next step, or to why this one waits.

        Args:
            step: What is being done, for a person.
        """
        self._began = time.monotonic()
        self._step = step

    def end(self) -> None:
        """Say nothing any more; safe to repeat."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        """Look at the step, again and again."""
        while not self._ended.wait(self._slow_s):
            self._tell(self._step)

    def _tell(self, step: str) -> None:
        """Tell a step, unless it was told a moment ago."""
        now = time.monotonic()
        if not step or (step == self._told and now - self._told_at < REPEAT_S):
            return
        seconds = "" if step != self._told else f" ({now - self._began:.0f} s)"
        self._told, self._told_at = step, now
        self._console.note(f"{step} …{seconds}")
