"""One experiment of the lab, typed as the page says."""

import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.acceptance.service import PATIENCE, environment
from tests.acceptance.terminal import Terminal
from tests.acceptance.transcript import INTERRUPT, Names, Step, match

_POLL_S = 0.2
_READS = re.compile(r"(ANGARIUM_\w+=\S+ )?angarium (history|trace|status|audit|dead list)\b")
"""Commands that change nothing. The store is a moment behind the log,
so they may be asked again.
"""

_AGAIN_S = 20.0
"""How long."""

_BUSY = re.compile(r" library: A client's thread had to wait for the CPU")
"""What any server may say on a busy machine."""

_HERE = re.compile(rf"\b{re.escape(os.uname().nodename)}-(?=\d)")


def shell_environment(**variables: str) -> dict[str, str]:
    """Give what a person's shell has after `. .venv/bin/activate`.

    Args:
        variables: Added.

    Returns:
        All of its variables.
    """
    programs = str(Path(sys.executable).parent)
    given = environment(**variables)
    return {**given, "PATH": f"{programs}{os.pathsep}{given['PATH']}"}


class Experiment:
    """Some terminals, and what was learnt of this run's names."""

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        first: Sequence[Step] = (),
        replaced: Mapping[str, str] | None = None,
    ) -> None:
        """Open no terminal yet.

        Args:
            folder: Where the shells are.
            variables: Of the shells.
            first: What is typed first in each terminal.
            replaced: Texts of the page that are others in this run,
                such as addresses.
        """
        self._folder = folder
        self._variables = variables
        self._first = first
        self._replaced = replaced or {}
        self._names = Names()
        self._terminals: dict[str, Terminal] = {}
        self._places: dict[str, int] = {}

    def run(self, steps: Sequence[Step]) -> None:
        """Type all of it and compare what it prints.

        Args:
            steps: In the order of the page.
        """
        assert steps, "the page has no such experiment"
        for step in steps:
            self._do(step)

    def close(self) -> None:
        """End all that runs."""
        for terminal in self._terminals.values():
            terminal.close()

    def _do(self, step: Step) -> None:
        """Type one step, and wait for what the page shows."""
        terminal = self._terminal(step.terminal)
        if step.command == INTERRUPT:
            terminal.interrupt()
            if not step.output:
                self._until_idle(step, terminal)
                return
        elif step.command is not None:
            self._until_idle(step, terminal)
            self._places[step.terminal] = 0
            terminal.type(self._in_this_run(step.command))
        self._compare(step, terminal)

    def _compare(self, step: Step, terminal: Terminal) -> None:
        """Wait until the output is as shown, and the command has ended
        where the page shows its end.
        """
        start = self._places[step.terminal]
        give_up = time.monotonic() + PATIENCE
        again_until = time.monotonic() + _AGAIN_S
        while True:
            # First: what it says afterwards is whole, if it had ended.
            ended = terminal.is_idle
            said = self._said(terminal)[start:]
            place = match(step.output, said, self._names)
            is_whole = step.goes_on or place == len(said)
            if place is not None and is_whole and (ended or step.runs_on):
                self._places[step.terminal] = start + place
                return
            if ended:
                may_ask_again = _READS.match(step.command or "") and time.monotonic() < again_until
                assert may_ask_again, _difference(step, said)
                terminal.type(self._in_this_run(step.command or ""))
            assert time.monotonic() < give_up, _difference(step, said)
            terminal.wait(_POLL_S)

    def _said(self, terminal: Terminal) -> Sequence[str]:
        """Give the lines as they would be on the page."""
        return [self._on_page(line) for line in terminal.lines() if not _BUSY.search(line)]

    def _until_idle(self, step: Step, terminal: Terminal) -> None:
        """Wait until the shell takes a command."""
        give_up = time.monotonic() + PATIENCE
        while not terminal.is_idle:
            assert time.monotonic() < give_up, (
                f"{step.terminal} still runs something: {terminal.lines()}"
            )
            terminal.wait(_POLL_S)

    def _terminal(self, name: str) -> Terminal:
        """Give a terminal; a new one is prepared as the page says."""
        if name not in self._terminals:
            self._terminals[name] = Terminal(self._folder, self._variables)
            self._places[name] = 0
            for step in self._first:
                self._do(Step(name, step.command, step.output))
        return self._terminals[name]

    def _in_this_run(self, text: str) -> str:
        """Put this run's addresses for those of the page."""
        for shown, real in self._replaced.items():
            text = text.replace(shown, real)
        return text

    def _on_page(self, text: str) -> str:
        """Put the page's addresses and host for those of this run."""
        for shown, real in self._replaced.items():
            text = text.replace(real, shown)
        return _HERE.sub("laptop-", text)


def _difference(step: Step, said: Sequence[str]) -> str:
    """Say what the page shows and what came."""
    shown = "\n".join(step.output)
    return f"{step.terminal}: $ {step.command}\n--- the page:\n{shown}\n--- printed:\n" + (
        "\n".join(said)
    )


@contextmanager
def experiment(
    folder: Path,
    variables: Mapping[str, str],
    first: Sequence[Step] = (),
    replaced: Mapping[str, str] | None = None,
) -> Iterator[Experiment]:
    """Give an experiment whose processes end with the block.

    Args:
        folder: Where its shells are.
        variables: Of its shells.
        first: What is typed first in each terminal.
        replaced: Texts of the page that are others in this run.

    Yields:
        It.
    """
    made = Experiment(folder, variables, first, replaced)
    try:
        yield made
    finally:
        made.close()
