"""What a slow command says about the step it is at."""

import io
import threading

import pytest

from angarium.cli import step_notes
from angarium.cli.console import Console
from angarium.cli.step_notes import StepNotes
from tests.unit.cli.conftest import TerminalOutput
from tests.waiting import until


def _console() -> tuple[Console, io.StringIO]:
    stderr = TerminalOutput()
    return Console(io.StringIO(), io.StringIO(), stderr, {}), stderr


def test_a_step_that_takes_long_is_named_once() -> None:
    console, stderr = _console()
    with StepNotes(console, slow_s=0.01) as notes:
        notes.begin("making tea")
        until(lambda: stderr.getvalue() != "", "a line")
        notes.begin("pouring it")
        until(lambda: "pouring" in stderr.getvalue(), "a second line")
    assert stderr.getvalue() == "making tea …\npouring it …\n"


def test_a_step_that_lasts_is_told_again_with_its_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(step_notes, "REPEAT_S", 0.0)
    console, stderr = _console()
    with StepNotes(console, slow_s=0.01) as notes:
        notes.begin("making tea")
        until(lambda: stderr.getvalue().count("\n") > 1, "a repeated line")
    assert stderr.getvalue().startswith("making tea …\nmaking tea … (0 s)\n")


def test_steps_that_are_quick_are_not_told() -> None:
    console, stderr = _console()
    with StepNotes(console, slow_s=60.0) as notes:
        notes.begin("making tea")
    assert stderr.getvalue() == ""


def test_nothing_is_told_where_nobody_looks() -> None:
    stderr = io.StringIO()
    before = threading.active_count()
    with StepNotes(Console(io.StringIO(), io.StringIO(), stderr, {}), slow_s=0.01) as notes:
        notes.begin("making tea")
        assert threading.active_count() == before
    assert stderr.getvalue() == ""
