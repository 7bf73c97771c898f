"""Other people's text on a terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.text import escape_unprintable, head, rows, shorten, tail, width

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


def test_rows_do_not_tear_a_character_from_its_accent() -> None:
    assert list(rows("abce\u0301x", 4)) == ["abce\u0301", "x"]


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(2, 40))
def test_rows_are_the_text_and_fit(text: str, columns: int) -> None:
    cut = list(rows(text, columns))
    assert "".join(cut) == text
    assert all(width(row) <= columns for row in cut)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(0, 40))
def test_head_and_tail_fit(text: str, columns: int) -> None:
    assert text.startswith(head(text, columns))
    assert text.endswith(tail(text, columns))
    assert width(head(text, columns)) <= columns
    assert width(tail(text, columns)) <= columns


def test_a_long_text_is_named_by_its_beginning() -> None:
    assert shorten("short") == "short"
    assert shorten("x" * 100, 10) == "x" * 9 + "…"
    assert shorten("日" * 100, 10) == "日" * 4 + "…"
    assert shorten("\x1b" * 100, 10) == "\\x1b\\x1b\\…"
