"""What a person takes for one character is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.cli.graphemes import graphemes, length_of_first, start_of_last

ONE = [
    "a",
    "e\u0301\u0323",
    "❤\ufe0f",
    "👍🏽",
    "👨\u200d👩\u200d👧\u200d👦",
    "🧑🏿\u200d🤝\u200d🧑🏻",
    "🏳\ufe0f\u200d🌈",
    "🇩🇪",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "1\ufe0f\u20e3",
    "한",
    "\u1112\u1161\u11ab",
    "\uac00\u11a8",
    "क्षि",
    "নি",
    "นี้",
    "กำ",
    "\u0600\u0661",
    "\r\n",
    "x\u200d",
    "ｶ\uff9e",
]


@pytest.mark.parametrize("text", ONE)
def test_one_grapheme(text: str) -> None:
    assert list(graphemes(text)) == [text]
    assert start_of_last("ab" + text) == 2
    assert length_of_first(text + "ab") == len(text)


SEVERAL = [
    ["🇩🇪", "🇫🇷", "🇮"],
    ["👍", "👍🏽", "👍"],
    ["a", "\n", "\r", "a"],
    ["a", "\u200b", "\u0301"],
    ["क", "क"],
    ["\u0939\u094d", "x"],
    ["각", "가", "\u1100"],
    ["x\u200d", "👍"],
    ["👍\u200d", "a\u0301"],
    ["日", "本", "語"],
]


@pytest.mark.parametrize("parts", SEVERAL)
def test_several_graphemes(parts: list[str]) -> None:
    assert list(graphemes("".join(parts))) == parts


def test_nothing_has_no_grapheme() -> None:
    assert (list(graphemes("")), length_of_first(""), start_of_last("")) == ([], 0, 0)


TRICKY = st.sampled_from(
    "a \r\n\u0301\u200d\u200c\ufe0f👍🏽👩🇩🇪क\u094dष한\u1100\u1161\u11a8\u0600"
)


@given(st.one_of(st.text(), st.text(TRICKY)))
def test_graphemes_are_the_text_and_its_last_is_found_from_the_end(text: str) -> None:
    parts = list(graphemes(text))
    assert "".join(parts) == text
    assert all(parts)
    assert start_of_last(text) == len(text) - len(parts[-1] if parts else "")
