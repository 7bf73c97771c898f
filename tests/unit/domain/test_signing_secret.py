"""What can be the secret that signs tokens."""

import pytest

from angarium.domain.signing_secret import PUBLISHED_SECRET, is_published, signing_secret_fault


@pytest.mark.parametrize(
    "secret", ["0123456789abcdef" * 2, "ä" * 16, "x" * 31 + "y", PUBLISHED_SECRET]
)
def test_32_bytes_that_differ_are_a_secret(secret: str) -> None:
    assert signing_secret_fault(secret) is None


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        ("", "has 0 bytes"),
        ("ä" * 15, "has 30 bytes"),
        ("\0" * 32, "consists of one repeated byte"),
        ("x" * 1000, "consists of one repeated byte"),
    ],
)
def test_a_short_or_a_repeated_one_is_none(secret: str, fault: str) -> None:
    assert signing_secret_fault(secret) == fault


def test_the_published_one_is_known_whatever_stands_around_it() -> None:
    assert is_published(PUBLISHED_SECRET)
    assert is_published(f"{PUBLISHED_SECRET} ")
    assert not is_published(PUBLISHED_SECRET[:-1])
