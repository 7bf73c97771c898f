"""A chat on a terminal: nothing is garbled, whatever happens at
once.
"""

from datetime import UTC, datetime, timedelta

from angarium.cli.chat.keys import Key
from angarium.cli.chat.terminal import MAX_SCREEN_LINES
from tests.unit.cli.chat.emulated_terminal import Terminal, own
from tests.unit.cli.fake_service import START


def test_messages_come_above_the_line_that_is_being_typed(terminal: Terminal) -> None:
    terminal.type("half a li")
    terminal.hear("hello")
    terminal.type("ne")
    assert terminal.rows() == [
        "talking with bob",
        "--- 2026-04-03 ---",
        "12:00 bob: hello",
        "alice> half a line",
    ]
    assert terminal.emulator.cursor == (3, len("alice> half a line"))


def test_an_own_line_shows_how_far_it_has_come(terminal: Terminal) -> None:
    terminal.type("hi")
    line = terminal.enter()
    assert terminal.rows()[-2:] == [own("hi", "sending"), "alice>"]
    terminal.screen.mark_accepted(line)
    assert terminal.rows()[-2:] == [own("hi", "accepted"), "alice>"]
    message = terminal.store(line, "PENDING")
    assert terminal.rows()[-2:] == [own("hi", "pending"), "alice>"]
    terminal.rise(message, "DELIVERED")
    assert terminal.rows()[-2:] == [own("hi", "delivered"), "alice>"]
    assert len([row for row in terminal.rows() if "hi" in row]) == 1


def test_a_state_changes_in_place_among_later_rows(terminal: Terminal) -> None:
    terminal.type("first")
    line = terminal.enter()
    terminal.hear("a long message that needs more than one of the rows")
    terminal.hear("another")
    terminal.type("next")
    before = terminal.rows()
    terminal.screen.mark_accepted(line)
    after = terminal.rows()
    assert [(one, other) for one, other in zip(before, after, strict=True) if one != other] == [
        (own("first", "sending"), own("first", "accepted"))
    ]
    assert terminal.emulator.cursor == (len(after) - 1, len("alice> next"))


def test_an_answer_that_overtakes_the_acceptance_wins(terminal: Terminal) -> None:
    terminal.type("hi")
    line = terminal.enter()
    terminal.store(line)
    terminal.screen.mark_accepted(line)
    assert terminal.rows()[-2] == own("hi", "sent")


def test_a_line_that_is_refused_says_so(terminal: Terminal) -> None:
    terminal.type("hi")
    line = terminal.enter()
    terminal.screen.mark_rejected(line)
    assert terminal.rows()[-2:] == [own("hi", "not sent"), "alice> hi"]


def test_a_state_that_scrolled_away_disturbs_nothing(terminal: Terminal) -> None:
    terminal.type("hi")
    message = terminal.store(terminal.enter())
    for number in range(12):
        terminal.hear(f"n{number}")
    before = terminal.rows()
    terminal.rise(message, "DELIVERED")
    assert terminal.rows() == before


def test_the_topmost_row_can_still_change(terminal: Terminal) -> None:
    terminal.type("hi")
    message = terminal.store(terminal.enter())
    for number in range(8):
        terminal.hear(f"n{number}")
    assert terminal.emulator.shown()[0] == own("hi", "sent")
    terminal.rise(message, "DELIVERED")
    assert terminal.emulator.shown()[0] == own("hi", "delivered")
    assert terminal.emulator.cursor == (9, len("alice> "))


def test_what_scrolled_away_below_a_tall_input_is_not_drawn_over(terminal: Terminal) -> None:
    terminal.type("hi")
    message = terminal.store(terminal.enter())
    for number in range(7):
        terminal.hear(f"n{number}")
    terminal.type("1\n2\n3")
    before = terminal.rows()
    terminal.rise(message, "DELIVERED")
    assert terminal.rows() == before
    terminal.editor.take()
    terminal.screen.draw_input()
    later = terminal.hear("more", "alice", "bob")
    terminal.rise(later, "DELIVERED")
    assert terminal.rows()[-2:] == [own("more", "delivered"), "alice>"]


def test_own_lines_take_their_place_in_the_order_once_they_are_stored(
    terminal: Terminal,
) -> None:
    terminal.type("first")
    first = terminal.enter()
    terminal.type("second")
    second = terminal.enter()
    terminal.hear("between")
    assert terminal.rows()[-4:] == [
        "12:00 bob: between",
        own("first", "sending"),
        own("second", "sending"),
        "alice>",
    ]
    terminal.store(first)
    terminal.hear("later")
    terminal.store(second)
    assert terminal.rows()[2:] == [
        "12:00 bob: between",
        own("first", "sent"),
        "12:00 bob: later",
        own("second", "sent"),
        "alice>",
    ]


def test_many_lines_on_the_way_leave_room_for_the_conversation(terminal: Terminal) -> None:
    lines = []
    for number in range(30):
        terminal.type(f"l{number}")
        lines.append(terminal.enter())
    assert terminal.emulator.shown()[1:] == [
        "… 23 earlier lines on the way",
        *(own(f"l{number}", "sending") for number in range(23, 30)),
        "alice>",
    ]
    for line in lines:
        terminal.store(line)
    assert terminal.rows()[2:-1] == [own(f"l{number}", "sent") for number in range(30)]


def test_several_lines_look_like_one_message(terminal: Terminal) -> None:
    terminal.hear("one\n12:00 alice: two\r\n\nthree\x1b")
    assert terminal.rows()[2:-1] == [
        "12:00 bob: one",
        "      12:00 alice: two",
        "      three\\x1b",
    ]


def test_several_lines_are_typed_as_lines(terminal: Terminal) -> None:
    terminal.type("one\ntwo\nthree")
    assert terminal.rows()[-3:] == ["alice> one", "       two", "       three"]
    assert terminal.emulator.cursor == (3, len("alice> three"))
    terminal.editor.press(Key.UP)
    terminal.editor.press(Key.LEFT)
    terminal.screen.draw_input()
    assert terminal.emulator.cursor == (2, len("alice> tw"))
    terminal.hear("hello")
    assert terminal.rows()[-4:] == [
        "12:00 bob: hello",
        "alice> one",
        "       two",
        "       three",
    ]
    assert terminal.emulator.cursor == (4, len("alice> tw"))
    terminal.store(terminal.enter())
    assert terminal.rows()[-4:] == [own("one", "sent"), "      two", "      three", "alice>"]


def test_a_word_in_place_of_the_input(terminal: Terminal) -> None:
    terminal.type("half")
    terminal.screen.hold_input("password of alice: ")
    assert terminal.rows()[-1] == "password of alice:"
    terminal.hear("hello")
    assert terminal.rows()[-1] == "password of alice:"
    terminal.screen.resume_input()
    assert terminal.rows()[-1] == "alice> half"


def test_own_messages_from_before_are_found_with_up(terminal: Terminal) -> None:
    terminal.hear("from before", "alice", "bob")
    terminal.editor.press(Key.UP)
    assert terminal.editor.text == "from before"


def test_own_messages_from_elsewhere_are_shown(terminal: Terminal) -> None:
    message = terminal.hear("from elsewhere", "alice", "bob")
    assert terminal.rows()[-2] == own("from elsewhere", "sent")
    terminal.rise(message, "DELIVERED")
    assert terminal.rows()[-2] == own("from elsewhere", "delivered")


def test_long_messages_are_broken_between_words_and_keep_clear_of_the_state() -> None:
    terminal = Terminal(40, 20)
    terminal.type("one two three four five six seven eight nine")
    line = terminal.enter()
    terminal.screen.mark_accepted(line)
    rows = terminal.rows()[2:-1]
    assert rows[0].endswith("  accepted")
    assert " ".join(row.removesuffix("accepted").strip() for row in rows).endswith(
        "six seven eight nine"
    )
    assert terminal.emulator.wrapped == 0


def test_a_new_day_is_told(terminal: Terminal) -> None:
    terminal.hear("today")
    terminal.now = START + timedelta(days=1)
    terminal.type("tomorrow")
    terminal.enter()
    assert terminal.rows()[-3:-1] == ["--- 2026-04-04 ---", own("tomorrow", "sending")]


def test_other_peoples_text_cannot_steer_the_terminal(terminal: Terminal) -> None:
    terminal.hear("\x1b[2J\x07\n12:00 alice: faked")
    assert terminal.rows()[2:-1] == ["12:00 bob: \\x1b[2J\\x07", "      12:00 alice: faked"]


def test_a_long_line_goes_on_in_the_next_rows(terminal: Terminal) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(100))
    terminal.type(text)
    assert terminal.rows()[-4:] == [
        "alice> " + text[:32],
        "       " + text[32:64],
        "       " + text[64:96],
        "       " + text[96:],
    ]
    for _ in range(36):
        terminal.editor.press(Key.LEFT)
    terminal.screen.draw_input()
    assert terminal.emulator.cursor == (3, 7)
    terminal.type("x" * 200)
    assert len(terminal.emulator.shown()) == 1 + 5
    assert terminal.emulator.cursor[1] == 7 + (64 + 200) % 32
    assert terminal.emulator.wrapped == 0


def test_a_grapheme_is_never_torn_by_the_end_of_a_row(terminal: Terminal) -> None:
    family = "👨\u200d👩\u200d👧"
    terminal.type("x" * 30 + family)
    assert terminal.rows()[-2:] == ["alice> " + "x" * 30, "       " + family]


def test_wide_characters_leave_the_cursor_behind_them(terminal: Terminal) -> None:
    terminal.type("日本👍")
    assert terminal.rows()[-1] == "alice> 日本👍"
    assert terminal.emulator.cursor[1] == len("alice> ") + 6


def test_memory_stays_bounded_and_old_states_are_forgotten(terminal: Terminal) -> None:
    terminal.type("old")
    message = terminal.store(terminal.enter())
    for number in range(MAX_SCREEN_LINES + 5):
        terminal.hear(f"n{number}")
    before = terminal.emulator.shown()
    terminal.rise(message, "DELIVERED")
    terminal.rise(message, "DELIVERED")
    assert terminal.emulator.shown() == before
    terminal.type("new")
    new = terminal.enter()
    terminal.screen.mark_accepted(new)
    assert terminal.rows()[-2] == own("new", "accepted")


def test_colours_change_nothing_but_the_look() -> None:
    plain, painted = Terminal(), Terminal(colours=True)
    for terminal in (plain, painted):
        terminal.hear("hello")
        terminal.type("hi")
        terminal.store(terminal.enter(), "DELIVERED")
    assert plain.rows() == painted.rows()


def test_leaving_takes_the_input_line_off(terminal: Terminal) -> None:
    terminal.type("half a line")
    terminal.screen.give_back()
    assert terminal.rows() == ["talking with bob"]
    assert terminal.emulator.cursor == (1, 0)


def test_moments_are_shown_in_the_readers_zone(terminal: Terminal) -> None:
    terminal.now = datetime(2026, 4, 3, 12, 0, tzinfo=UTC)
    terminal.type("noon")
    terminal.enter()
    assert terminal.rows()[-2].startswith("12:00 alice: noon")
