"""How large a batch the largest legal request makes."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecordsBuilder

from angarium.domain.content import content_problem
from angarium.domain.events import (
    MAX_RECEIPT_IDS,
    SCHEMA,
    Event,
    MessagesDelivered,
    NewMessage,
    encode,
)
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.kafka.record_sizes import BATCH_BYTES, MAX_BATCH_BYTES, max_batch_bytes

ROOT = Path(__file__).parents[4]
ID = UUID(int=1)
TIME = 1_700_000_000_000


def message(content: str) -> NewMessage:
    assert content_problem(content) is None
    return NewMessage(ID, ID, TIME, ID, ID, ID, content)


def sent(event: Event) -> int:
    """Give the size of the batch that the library makes of an event
    alone.
    """
    builder = MemoryRecordsBuilder(2, 0, BATCH_BYTES)
    headers = [("trace_id", b"f" * 32), ("schema", SCHEMA.encode())]
    builder.append(TIME, str(ID).encode(), encode(event), headers)
    builder.close()
    return len(builder.buffer())


@pytest.mark.parametrize(
    "character", ["\x01", "\x1f", "\\", '"', "\x7f", "é", "\u2028", "\U0001f600", "a"]
)
def test_no_text_of_the_largest_size_makes_a_larger_batch_than_topics_must_take(
    character: str,
) -> None:
    content = "a" + character * ((MAX_CONTENT_BYTES - 1) // len(character.encode()))
    assert sent(message(content)) <= MAX_BATCH_BYTES


def test_no_receipt_makes_a_larger_batch_than_topics_must_take() -> None:
    assert sent(MessagesDelivered(ID, ID, TIME, ID, (ID,) * MAX_RECEIPT_IDS)) <= MAX_BATCH_BYTES


def test_topics_must_take_hardly_more_than_the_largest_message_needs() -> None:
    assert MAX_BATCH_BYTES - sent(message("\x01" * MAX_CONTENT_BYTES)) < 100


@given(
    st.binary(max_size=200), st.binary(max_size=2_000), st.lists(st.tuples(st.text(), st.binary()))
)
def test_a_batch_of_one_record_is_never_larger_than_computed(
    key: bytes, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    builder = MemoryRecordsBuilder(2, 0, BATCH_BYTES)
    builder.append(TIME, key, value, headers)
    builder.close()
    assert len(builder.buffer()) <= max_batch_bytes(key, value, headers)


def test_the_operators_page_says_how_much_topics_must_take() -> None:
    page = " ".join((ROOT / "docs" / "operations.md").read_text().split())
    assert f"({MAX_BATCH_BYTES:,} bytes" in page
