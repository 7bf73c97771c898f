import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.content import content_problem
from angarium.domain.errors import Code


def code_of(content: str) -> Code | None:
    problem = content_problem(content)
    return problem.code if problem else None


@pytest.mark.parametrize(
    "content",
    [
        "Hello",
        " padded ",
        "\n.\n",
        "שלום, Ողջույն, こんにちは",
        "👩‍👩‍👧‍👦",
        "e\u0301",
        "\u200b",
        "\ufeff",
        "\x01\x1b[31m",
        "\uffff",
        "\U0010ffff",
        "x" * 10_240,
        "é" * 5_120,
        "😀" * 2_560,
    ],
)
def test_any_text_that_utf8_can_carry_is_allowed(content: str) -> None:
    assert content_problem(content) is None


@pytest.mark.parametrize("content", ["", " ", "\n\t\r ", "\u00a0", "\u3000\u2003", "\x1c\x85"])
def test_a_text_without_anything_to_read_is_empty(content: str) -> None:
    assert code_of(content) is Code.EMPTY_CONTENT


@pytest.mark.parametrize("content", ["x" * 10_241, "é" * 5_120 + "x", "😀" * 2_561])
def test_the_size_limit_counts_bytes_of_utf8(content: str) -> None:
    assert code_of(content) is Code.CONTENT_TOO_LARGE


def test_white_space_is_empty_before_it_is_too_large() -> None:
    assert code_of(" " * 20_000) is Code.EMPTY_CONTENT


@pytest.mark.parametrize(
    "content", ["a\x00b", "\x00", "\ud800", "half \udc00 pair", "\udfff\ud800"]
)
def test_a_character_that_cannot_be_kept_is_invalid(content: str) -> None:
    assert code_of(content) is Code.INVALID_CONTENT


@pytest.mark.parametrize("spoilt", ["\x00", "\ud800"])
def test_size_is_judged_before_form(spoilt: str) -> None:
    assert code_of(spoilt + "x" * 10_240) is Code.CONTENT_TOO_LARGE


def test_the_problem_names_the_place_and_the_limit_but_never_the_text() -> None:
    too_large = content_problem("secret" * 2_000, field="text")
    spoilt = content_problem("secret\x00")
    assert too_large
    assert spoilt
    assert (too_large.field, spoilt.field) == ("text", "content")
    assert "12,000 bytes" in too_large.detail
    assert "10,240" in too_large.detail
    assert "index 6" in spoilt.detail
    assert "secret" not in too_large.detail + spoilt.detail


@given(st.text(alphabet=st.characters(), max_size=12_000))
def test_what_is_allowed_survives_utf8(content: str) -> None:
    if content_problem(content) is None:
        assert content.encode().decode() == content
        assert 1 <= len(content.encode()) <= 10_240
