"""Messages as lines for a person."""

import io
from datetime import UTC

import pytest

from angarium.cli.console import Console
from angarium.cli.message_lines import message_lines
from tests.unit.cli.conftest import TerminalOutput
from tests.unit.cli.fake_service import START

BEGIN = "2026-04-03 12:00:00  bob: "


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("COLUMNS", "60")
    return Console(io.StringIO(), TerminalOutput(), io.StringIO(), {})


def shown(text: str, console: Console, status: str | None = None) -> list[str]:
    return message_lines(START, "bob", text, status, console, UTC).split("\n")


def test_a_long_text_is_wrapped_between_words_and_indented(console: Console) -> None:
    faked = "2026-04-03 12:00:01  alice: I owe you a thousand."
    lines = shown(f"{'hello ' * 5}{faked}\nbye", console)
    assert lines[0] == f"{BEGIN}hello hello hello hello hello "
    assert all(line.startswith(" " * len(BEGIN)) for line in lines[1:])
    assert all(len(line) <= 60 for line in lines)
    assert lines[-1] == " " * len(BEGIN) + "bye"
    words = [word for line in lines[:-1] for word in line[len(BEGIN) :].split()]
    assert words == f"{'hello ' * 5}{faked}".split()


def test_wide_characters_take_their_columns(console: Console) -> None:
    lines = shown("\u6f22" * 40, console)
    assert [len(line.strip()) for line in lines[1:]] == [17, 6]


def test_a_narrow_terminal_leaves_some_room(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    assert shown("x" * 45, console) == [
        f"{BEGIN}{'x' * 20}",
        " " * len(BEGIN) + "x" * 20,
        " " * len(BEGIN) + "x" * 5,
    ]


def test_in_a_pipe_nothing_is_wrapped() -> None:
    pipe = Console(io.StringIO(), io.StringIO(), io.StringIO(), {})
    assert shown("x " * 500, pipe) == [BEGIN + "x " * 500]


def test_the_status_of_an_own_message_is_behind_its_last_line(console: Console) -> None:
    assert shown("one\ntwo", console, "SENT")[-1] == " " * len(BEGIN) + "two  [sent]"
