"""Keys become lines, on a terminal and in a pipe."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.chat.editor import MAX_CHARACTERS, MAX_REMEMBERED, LineEditor
from angarium.cli.chat.inputs import InputLine, LineSplitter
from angarium.cli.chat.keys import MAX_PASTED, Key, KeyDecoder, Paste
from angarium.domain.message import MAX_CONTENT_BYTES


def typed(data: bytes) -> tuple[str, str]:
    editor = LineEditor()
    for key in KeyDecoder().feed(data):
        if isinstance(key, str):
            editor.insert(key)
        elif isinstance(key, Paste):
            editor.insert(key.text)
        else:
            editor.press(key)
    return editor.before, editor.after


EDITING: list[tuple[bytes, str, str]] = [
    (b"hello", "hello", ""),
    ("日本語👍".encode(), "日本語👍", ""),
    (b"hello\x7f\x08", "hel", ""),
    (b"\x7f\x7fa", "a", ""),
    ("e\u0301x\x7f\x7f".encode(), "", ""),
    ("a👍🏽\x7f".encode(), "a", ""),
    (b"one two\x17", "one ", ""),
    (b"one two  \x17", "one ", ""),
    (b"one\x17\x17", "", ""),
    (b"one two\x15x", "x", ""),
    (b"abc\x01x", "x", "abc"),
    (b"abc\x01\x05x", "abcx", ""),
    (b"abc\x02\x02\x0b", "a", ""),
    (b"abc\x1b[D\x1b[Dx", "ax", "bc"),
    (b"abc\x1bOD\x1bODx", "ax", "bc"),
    (b"abc\x1b[D\x1b[D\x1b[C\x06x", "abcx", ""),
    (b"abc\x1b[Hx\x1b[Fy", "xabcy", ""),
    (b"abc\x1b[1~x\x1b[4~y", "xabcy", ""),
    (b"abc\x01\x1b[3~", "", "bc"),
    (b"abc\x01\x04", "", "bc"),
    ("ae\u0301b\x01\x1b[C\x1b[3~".encode(), "a", "b"),
    (b"a\x1b[A\x1b[Bb", "ab", ""),
    (b"a\x1b[1;5Cb", "ab", ""),
    (b"a\x1b[200~b\x1b[201~c", "abc", ""),
    (b"a\x1b[200~b\rc\r\nd\n\x1b[201~", "ab\nc\nd", ""),
    (b"\x1b[200~a\x1b[20\x1b[Db\x7f\x1b[201~c", "a\x1b[20\x1b[Db\x7fc", ""),
    (b"\x1b[201~a", "a", ""),
    (b"a\x1b\rb", "a\nb", ""),
    (b"a\x1b\nb\x1b[13;2uc\x1b[27;3;13~d", "a\nb\nc\nd", ""),
    (b"a\x1b\rbc\x1b[Ad", "ad", "\nbc"),
    (b"abcd\x1b\r\x1b[A\x1b[F\x1b[Bx", "abcd\nx", ""),
    (b"ab\x1b\rcd\x01x\x05y", "ab\nxcdy", ""),
    (b"ab\x1b\rcd\x15x", "ab\nx", ""),
    (b"ab\x1b\rcd\x1b[A\x01\x0b", "", "\ncd"),
    (b"ab\x1b\rcd\x7f\x7f\x7f\x7f", "a", ""),
    ("a👨\u200d👩\u200d👧\x7f".encode(), "a", ""),
    ("a🇩🇪🇫🇷\x7f".encode(), "a🇩🇪", ""),
    (b"a\x1bxb", "ab", ""),
    (b"a\x1b\x1b[Db", "b", "a"),
    (b"a\x00\x03\x1fb", "ab", ""),
    (b"a\tb", "a\tb", ""),
    (b"a\xffb", "a\udcffb", ""),
    (b"\x1b[" + b"1" * 40 + b"x", "1" * 9 + "x", ""),
    (b"\x1b[1\x07a", "a", ""),
]


@pytest.mark.parametrize(("data", "before", "after"), EDITING)
def test_editing(data: bytes, before: str, after: str) -> None:
    assert typed(data) == (before, after)


@given(st.text(), st.lists(st.integers(0, 200), max_size=8))
def test_keys_are_the_same_wherever_the_pieces_are_cut(text: str, cuts: list[int]) -> None:
    data = text.encode() + b"\x1b[D\x1b[3~\xe2\x82\xac\r"
    places = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    pieces = [data[one:other] for one, other in itertools.pairwise(places)]
    decoder = KeyDecoder()
    cut_up = [key for piece in pieces for key in decoder.feed(piece)]
    assert cut_up == list(KeyDecoder().feed(data))


def test_keys_that_are_no_editing() -> None:
    keys = list(KeyDecoder().feed(b"\r\n\x0c\x04"))
    assert keys == [Key.ENTER, Key.ENTER, Key.REDRAW, Key.END_OF_INPUT]
    editor = LineEditor()
    editor.insert("a")
    editor.press(Key.REDRAW)
    assert editor.text == "a"


def test_taking_a_line_begins_an_empty_one() -> None:
    editor = LineEditor()
    for character in "abc":
        editor.insert(character)
    editor.press(Key.LEFT)
    assert editor.take() == "abc"
    assert editor.text == ""


def test_a_line_that_never_ends_stays_bounded() -> None:
    editor = LineEditor()
    for _ in range(MAX_CHARACTERS + 10):
        editor.insert("x")
    assert len(editor.text) == MAX_CHARACTERS
    assert MAX_CHARACTERS > MAX_CONTENT_BYTES


def test_a_paste_that_is_far_too_long_is_counted_and_not_kept() -> None:
    (paste,) = KeyDecoder().feed(b"\x1b[200~" + b"x" * 100_000 + b"\x1b[201~")
    assert isinstance(paste, Paste)
    assert (len(paste.text), paste.dropped) == (MAX_PASTED, 100_000 - MAX_PASTED)
    editor = LineEditor()
    editor.insert("abc")
    assert not editor.insert("x" * MAX_CHARACTERS)
    assert editor.text == "abc"


def recalling(*sent: str) -> LineEditor:
    editor = LineEditor()
    for text in sent:
        editor.insert(text)
        editor.take()
    return editor


def press(editor: LineEditor, *keys: Key) -> str:
    for key in keys:
        editor.press(key)
    return editor.text


def test_up_and_down_go_through_own_messages_and_back_to_what_was_being_typed() -> None:
    editor = recalling("one", "two\nlines", "two\nlines")
    editor.insert("dra")
    assert press(editor, Key.UP) == "two\nlines"
    assert press(editor, Key.UP) == "two\nlines"
    assert press(editor, Key.UP) == "one"
    assert press(editor, Key.UP) == "one"
    editor.insert(" more")
    assert press(editor, Key.DOWN, Key.DOWN) == "dra"
    assert press(editor, Key.DOWN) == "dra"
    assert press(editor, Key.UP, Key.UP, Key.UP) == "one more"
    assert editor.take() == "one more"
    assert press(editor, Key.UP) == "one more"
    assert press(editor, Key.UP, Key.UP, Key.UP) == "one"


@pytest.mark.parametrize(
    ("text", "key", "before"),
    [
        ("ab\nx", Key.UP, "a"),
        ("👍🏽b\n日", Key.UP, ""),
        ("日b\nx日", Key.UP, "日b"),
        ("a👨\u200d👩b\nxyz", Key.UP, "a"),
        ("e\u0301e\u0301\nx", Key.UP, "e\u0301"),
    ],
)
def test_up_goes_to_the_character_above_and_never_into_one(
    text: str, key: Key, before: str
) -> None:
    editor = LineEditor()
    editor.insert(text)
    editor.press(key)
    assert editor.before == before


def test_down_goes_to_the_character_below_and_never_into_one() -> None:
    editor = LineEditor()
    editor.insert("xy\n👍🏽b")
    press(editor, Key.UP, Key.UP, Key.HOME, Key.RIGHT, Key.RIGHT)
    assert (editor.before, editor.after) == ("xy", "\n👍🏽b")
    editor.press(Key.DOWN)
    assert (editor.before, editor.after) == ("xy\n", "👍🏽b")


def test_only_the_latest_messages_are_remembered() -> None:
    editor = recalling(*(str(number) for number in range(MAX_REMEMBERED + 5)))
    assert press(editor, *[Key.UP] * (MAX_REMEMBERED + 5)) == "5"


def split(*pieces: bytes) -> list[InputLine]:
    splitter = LineSplitter()
    return [line for piece in (*pieces, b"") for line in splitter.feed(piece)]


def test_lines_end_with_a_line_feed_or_the_end() -> None:
    assert split(b"one\ntwo") == [InputLine("one", 3), InputLine("two", 3)]
    assert split(b"one\n") == [InputLine("one", 3)]
    assert split(b"\n\n") == [InputLine("", 0), InputLine("", 0)]
    assert split() == []


def test_everything_but_the_line_feed_belongs_to_the_line() -> None:
    assert split(" a\tb\r\u2028\x0c ü\n".encode()) == [InputLine(" a\tb\r\u2028\x0c ü", 12)]
    assert split(b"\xff\n") == [InputLine("\udcff", 1)]


def test_a_line_far_too_long_is_counted_and_not_kept() -> None:
    (line, short) = split(*[b"x" * 65_536] * 16, b"\nshort\n")
    assert line.size == 16 * 65_536
    assert len(line.text) == MAX_CONTENT_BYTES + 1
    assert short == InputLine("short", 5)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1)
    ),
    st.integers(1, 9),
)
def test_lines_are_the_same_wherever_the_pieces_are_cut(lines: list[str], size: int) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    assert split(*pieces) == [InputLine(line, len(line.encode())) for line in lines]


@pytest.mark.parametrize("cut", range(1, 5))
def test_a_byte_order_mark_before_the_first_line_is_dropped_wherever_the_pieces_are_cut(
    cut: int,
) -> None:
    data = "\ufeffone\n\ufefftwo\n".encode()
    splitter = LineSplitter()
    lines = [line for piece in (data[:cut], data[cut:], b"") for line in splitter.feed(piece)]
    assert lines == [InputLine("one", 3), InputLine("\ufefftwo", 6)]


@pytest.mark.parametrize("size", range(MAX_CONTENT_BYTES - 2, MAX_CONTENT_BYTES + 2))
def test_a_byte_order_mark_takes_no_room_of_the_longest_message(size: int) -> None:
    text = "a" * (size - 1) + "z"
    assert split(f"\ufeff{text}\n".encode()) == [InputLine(text, size)]


def test_a_byte_order_mark_alone_is_no_line() -> None:
    splitter = LineSplitter()
    assert [*splitter.feed("\ufeff".encode()), *splitter.feed(b"")] == []
