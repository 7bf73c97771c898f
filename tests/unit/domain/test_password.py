"""What can be a password."""

import pytest

from angarium.domain.password import is_password, new_password_fault


@pytest.mark.parametrize("text", ["", "a", "a" * 1024, "ä" * 512, "\ud800", "\r\n\t\x01"])
def test_a_login_may_try_any_text_of_a_bounded_size(text: str) -> None:
    assert is_password(text)


@pytest.mark.parametrize("text", ["\0", "right\0", "\0right", "a" * 1025, "ä" * 513])
def test_what_hashes_like_another_password_or_is_huge_is_nobodys(text: str) -> None:
    assert not is_password(text)


@pytest.mark.parametrize("text", ["12345678", "ä" * 4, "a" * 1024])
def test_a_new_password_has_8_to_1024_bytes(text: str) -> None:
    assert new_password_fault(text) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("1234567", "has 7 bytes"),
        ("a" * 1025, "has 1,025 bytes"),
        ("a good one\0", "has U+0000 in it"),
        ("\0", "has U+0000 in it"),
    ],
)
def test_what_is_wrong_with_a_new_password_is_said(text: str, fault: str) -> None:
    assert new_password_fault(text) == fault
