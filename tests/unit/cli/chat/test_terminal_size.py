"""However small a terminal is, what is drawn stays right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.chat.events import OwnLine
from angarium.client.bodies import MessageBody
from tests.unit.cli.chat.emulated_terminal import Terminal, own


def test_after_a_resize_everything_is_drawn_anew_and_states_still_change(
    terminal: Terminal,
) -> None:
    terminal.type("first")
    line = terminal.enter()
    terminal.hear("a long message that needs more than one of the rows")
    terminal.type("half")
    terminal.emulator.columns, terminal.emulator.lines = 60, 6
    terminal.emulator._clear()
    terminal.screen.repaint()
    assert terminal.emulator.shown() == [
        "talking with bob",
        "--- 2026-04-03 ---",
        "12:00 bob: a long message that needs more than one of the",
        "      rows",
        own("first", "sending", 60),
        "alice> half",
    ]
    terminal.screen.mark_accepted(line)
    assert terminal.emulator.shown()[-2] == own("first", "accepted", 60)
    message = terminal.store(line)
    terminal.rise(message, "DELIVERED")
    assert terminal.emulator.shown()[-2] == own("first", "delivered", 60)
    terminal.hear("more")
    terminal.screen.show_stored([terminal.last()])
    assert terminal.emulator.shown()[-1] == "alice> half"


def test_a_small_terminal_draws_what_fits_and_keeps_states_right() -> None:
    terminal = Terminal(40, 4)
    terminal.type("hidden")
    hidden = terminal.store(terminal.enter())
    terminal.hear("one")
    terminal.type("seen")
    seen = terminal.store(terminal.enter())
    terminal.hear("two")
    terminal.screen.repaint()
    shown = ["12:00 bob: one", own("seen", "sent"), "12:00 bob: two", "alice>"]
    assert terminal.emulator.shown() == shown
    terminal.rise(hidden, "DELIVERED")
    assert terminal.emulator.shown() == shown
    terminal.rise(seen, "DELIVERED")
    assert terminal.emulator.shown()[1] == own("seen", "delivered")


def test_a_message_taller_than_the_terminal_is_drawn_from_its_end() -> None:
    terminal = Terminal(80, 20)
    words = " ".join(f"word{number}" for number in range(1_000))
    terminal.hear(words)
    before = terminal.emulator.shown()
    terminal.screen.repaint()
    assert terminal.emulator.shown() == before
    assert len(before) == 20
    terminal.emulator.lines = 6
    terminal.emulator._clear()
    terminal.screen.repaint()
    assert terminal.emulator.shown() == before[-6:]
    assert before[-2].endswith("word999")


def test_an_own_line_that_is_drawn_in_part_has_no_state_to_change() -> None:
    terminal = Terminal(40, 4)
    terminal.type("a line that takes more rows than there are, " * 5)
    message = terminal.store(terminal.enter())
    terminal.hear("an answer")
    terminal.screen.repaint()
    before = terminal.emulator.shown()
    assert before[-2:] == ["12:00 bob: an answer", "alice>"]
    assert len(before) == 4
    terminal.rise(message, "DELIVERED")
    assert terminal.emulator.shown() == before


@pytest.mark.parametrize("lines", [1, 2])
def test_the_smallest_terminals_are_drawn_too(lines: int) -> None:
    terminal = Terminal(40, lines)
    terminal.hear("hello")
    terminal.screen.repaint()
    assert terminal.emulator.shown() == ["12:00 bob: hello", "alice>"][-lines:]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.text(st.characters(), min_size=1, max_size=120)),
        st.tuples(st.just("type"), st.text(st.characters(exclude_categories=["Cs"]), max_size=90)),
        st.tuples(st.just("enter"), st.just("")),
        st.tuples(st.just("state"), st.just("")),
        st.tuples(st.just("repaint"), st.just("")),
    ),
    max_size=30,
)


@given(STEPS, st.integers(30, 90), st.integers(3, 30))
def test_whatever_happens_rows_never_break_and_every_own_line_keeps_one_row(
    steps: list[tuple[str, str]], columns: int, lines: int
) -> None:
    terminal = Terminal(columns, lines)
    waiting: list[OwnLine] = []
    stored: list[MessageBody] = []
    for kind, text in steps:
        match kind:
            case "hear":
                terminal.hear(text)
            case "type":
                terminal.type(text)
            case "enter" if terminal.editor.text.strip():
                waiting.append(terminal.enter())
            case "state" if waiting:
                stored.append(terminal.store(waiting.pop(0), "DELIVERED"))
            case "repaint":
                terminal.screen.repaint()
    assert terminal.emulator.wrapped == 0
    shown = terminal.emulator.shown()
    assert any(row.startswith("alice>") for row in shown)
    assert sum(row.endswith("sending") for row in shown) <= len(waiting)
    if not any(kind == "repaint" for kind, _ in steps):
        told = [row for row in terminal.rows() if row.endswith("delivered") and row[:3] == "12:"]
        assert len(told) >= len(stored)
