"""Other people's text on a terminal."""

import unicodedata
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.graphemes import graphemes
from angarium.cli.text import cut, escape_unprintable, head, rows, shorten, width

HARMFUL = [
    ("\x1b[2J", "\\x1b[2J"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("a\nb\r\tc", "a\\nb\\r\\tc"),
    ("\x9b31m", "\\x9b31m"),
    ("\x7f", "\\x7f"),
    ("a\u202eb", "a\\u202eb"),
    ("a\u2066b", "a\\u2066b"),
    ("a\u2028b", "a\\u2028b"),
    ("a\u200eb\u200fc\u061cd", "a\\u200eb\\u200fc\\u061cd"),
    ("a\u206ab", "a\\u206ab"),
    ("\u200da \ufe0fb \U000e0067", "\\u200da \\ufe0fb \\U000e0067"),
    ("\ud800", "\\ud800"),
    ("\udcff", "\\udcff"),
]


@pytest.mark.parametrize(("text", "shown"), HARMFUL)
def test_what_could_steer_a_terminal_is_escaped(text: str, shown: str) -> None:
    assert escape_unprintable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "Grüße",
        "日本語",
        "👩‍👩‍👧 ok",
        "क्षि",
        "שלום",
        "a\\nb",
        "e\u0301",
        "❤\ufe0f 🏴\U000e0067\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648",
    ],
)
def test_ordinary_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert escape_unprintable(text) == text


@given(st.text(st.characters()))
def test_no_text_leaves_a_control_character(text: str) -> None:
    shown = escape_unprintable(text)
    assert not any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in shown
    )
    shown.encode()


WIDTHS = [
    ("", 0),
    ("abc", 3),
    ("日本", 4),
    ("e\u0301", 1),
    ("👍", 2),
    ("❤\ufe0f", 2),
    ("🇩🇪", 2),
    ("ｱ", 1),
]


@pytest.mark.parametrize(("text", "columns"), WIDTHS)
def test_width_counts_columns(text: str, columns: int) -> None:
    assert width(text) == columns


def test_rows_break_between_words_where_they_can() -> None:
    assert list(rows("one two three", 8)) == ["one two ", "three"]
    assert list(rows("abcdefghij", 4)) == ["abcd", "efgh", "ij"]
    assert list(rows("日本語", 5)) == ["日本", "語"]
    assert list(rows("", 5)) == [""]


def test_rows_behind_the_first_can_be_narrower() -> None:
    assert list(rows("abcdefghij", 6, 3)) == ["abcdef", "ghi", "j"]


def test_a_word_that_fits_into_a_row_is_never_broken() -> None:
    assert list(rows("a interrupted b", 12)) == ["a ", "interrupted ", "b"]
    notice = "no answer from http://127.0.0.1:8080 yet"
    assert list(rows(notice, 23)) == ["no answer from ", "http://127.0.0.1:8080 ", "yet"]


def test_a_word_that_fits_into_no_row_is_broken_where_the_row_is_full() -> None:
    assert list(rows("see https://example.org/x", 8)) == ["see http", "s://exam", "ple.org/", "x"]
    assert list(rows("a bcdefg", 8, 4)) == ["a bcdefg"]
    assert list(rows("a bcdefghi", 8, 4)) == ["a bcdefg", "hi"]


FAMILY = "👨\u200d👩\u200d👧"
CHARACTERS = [
    "e\u0301",
    "日",
    "👍🏽",
    "🇩🇪",
    FAMILY,
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "क्षि",
    "\u1112\u1161\u11ab",
]


@pytest.mark.parametrize("character", CHARACTERS)
def test_no_cut_goes_through_what_a_person_takes_for_one_character(character: str) -> None:
    room = width(character)
    text = character * 5
    assert list(rows(text, room)) == list(cut(text, room)) == [character] * 5
    assert list(rows(text, 2 * room + 1)) == [character * 2] * 2 + [character] or room == 1
    assert head(text, 2 * room) == character * 2
    assert head(text, 2 * room - 1) == character
    assert shorten(text, 2 * room + 1) == character * 2 + "…"


def test_a_character_that_is_wider_than_the_row_is_cut_all_the_same() -> None:
    assert "".join(cut(FAMILY, 3)) == FAMILY
    assert all(width(row) <= 3 for row in cut(FAMILY, 3))
    assert head(FAMILY, 3) == ""


def test_an_empty_line_is_a_row() -> None:
    assert list(cut("", 5)) == [""]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(2, 40))
def test_rows_are_the_text_and_fit(text: str, columns: int) -> None:
    for found in (list(rows(text, columns)), list(cut(text, columns))):
        assert "".join(found) == text
        assert all(width(row) <= columns for row in found)


@given(st.text("ab  e\u0301日👍🏽👩\u200d🇩🇪"), st.integers(8, 40))
def test_rows_are_made_of_whole_characters(text: str, columns: int) -> None:
    ends = set(accumulate(len(each) for each in graphemes(text)))
    narrow = all(width(each) <= columns for each in graphemes(text))
    for found in (rows(text, columns), cut(text, columns)):
        cuts = set(accumulate(len(row) for row in found if row))
        assert not narrow or cuts <= ends


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(0, 40))
def test_the_head_fits(text: str, columns: int) -> None:
    assert text.startswith(head(text, columns))
    assert width(head(text, columns)) <= columns


def test_a_long_text_is_named_by_its_beginning() -> None:
    assert shorten("short") == "short"
    assert shorten("x" * 100, 10) == "x" * 9 + "…"
    assert shorten("日" * 100, 10) == "日" * 4 + "…"
    assert shorten("\x1b" * 100, 10) == "\\x1b\\x1b\\…"
