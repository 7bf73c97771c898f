from uuid import NAMESPACE_URL, UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.identifiers import (
    conversation_id_for,
    parse_uuid,
    recurring_uuid,
    time_ordered_uuid,
    user_id_for,
)

MILLISECONDS = st.integers(0, 2**48 - 1)
ENTROPY = st.binary(min_size=10, max_size=10)


@given(st.uuids())
def test_an_id_is_read_in_any_case(expected: UUID) -> None:
    assert parse_uuid(str(expected)) == expected
    assert parse_uuid(str(expected).upper()) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0123456789abcdef0123456789abcdef",
        "{01234567-89ab-cdef-0123-456789abcdef}",
        "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcde",
        "01234567-89ab-cdef-0123-456789abcdef0",
        "01234567-89ab-cdef-0123-456789abcdeg",
        "01234567-89ab-cdef-0123-456789abcdef\n",
        " 01234567-89ab-cdef-0123-456789abcdef",
        "0123456-789ab-cdef-0123-456789abcdef",
        "\u06601234567-89ab-cdef-0123-456789abcdef",
    ],
)
def test_any_other_form_is_no_id(text: str) -> None:
    assert parse_uuid(text) is None
    assert recurring_uuid(text) is None


@given(st.uuids())
def test_an_id_that_was_read_before_is_the_same_object(expected: UUID) -> None:
    found = recurring_uuid(str(expected))

    assert found == expected
    assert recurring_uuid(str(expected)) is found


def test_a_users_id_is_made_from_the_name() -> None:
    assert user_id_for("alice") == uuid5(NAMESPACE_URL, "angarium:user:alice")
    assert user_id_for("alice") == UUID("192c527f-5ebf-55d2-9f80-d633b5dea4a9")


def test_a_conversations_id_is_made_from_the_sorted_pair() -> None:
    low = UUID("0f000000-0000-0000-0000-000000000000")
    high = UUID("f0000000-0000-0000-0000-00000000000a")
    assert conversation_id_for(high, low) == uuid5(
        NAMESPACE_URL, f"angarium:conversation:{low}:{high}"
    )


@given(st.uuids(), st.uuids())
def test_both_participants_find_the_same_conversation(one: UUID, other: UUID) -> None:
    assert conversation_id_for(one, other) == conversation_id_for(other, one)


def test_a_time_ordered_id_has_the_layout_of_version_7() -> None:
    # The example of RFC 9562, appendix A.6.
    entropy = (0xCC3 << 64 | 0x18C4DC0C0C07398F).to_bytes(10, "big")
    assert time_ordered_uuid(0x017F22E279B0, entropy) == UUID(
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    )


@given(MILLISECONDS, ENTROPY)
def test_a_time_ordered_id_carries_its_version_variant_and_time(
    unix_ms: int, entropy: bytes
) -> None:
    made = time_ordered_uuid(unix_ms, entropy)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == unix_ms


@given(MILLISECONDS, MILLISECONDS, ENTROPY, ENTROPY)
def test_ids_sort_by_the_time_of_making(one: int, other: int, some: bytes, more: bytes) -> None:
    earlier, later = sorted((one, other))
    if earlier < later:
        assert time_ordered_uuid(earlier, some) < time_ordered_uuid(later, more)


def test_every_bit_of_chance_is_used() -> None:
    bits = [time_ordered_uuid(0, (1 << bit).to_bytes(10, "big")).int for bit in range(80)]
    empty = time_ordered_uuid(0, bytes(10)).int
    assert len({bit for bit in bits if bit != empty}) == 74
