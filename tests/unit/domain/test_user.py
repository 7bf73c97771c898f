import pytest

from angarium.domain.user import is_username


@pytest.mark.parametrize("text", ["a", "alice", "0", "a.b_c-d", "-", "x" * 64])
def test_a_name_is_1_to_64_of_the_allowed_characters(text: str) -> None:
    assert is_username(text)


@pytest.mark.parametrize(
    "text", ["", "Alice", "alice ", "alice\n", "x" * 65, "é", "a/b", "a:b", "\u0661"]
)
def test_any_other_text_is_no_name(text: str) -> None:
    assert not is_username(text)
