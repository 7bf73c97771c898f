"""How large a batch the largest legal request makes."""

from concurrent.futures import Future
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecordsBuilder

from angarium.api.transport.trace_id import mint
from angarium.domain.content import content_problem
from angarium.domain.events import (
    MAX_RECEIPT_IDS,
    Event,
    MessagesDelivered,
    NewMessage,
)
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.kafka.record_sizes import BATCH_BYTES, MAX_BATCH_BYTES, max_batch_bytes
from angarium.instance import MAX_LENGTH, process_name
from angarium.ports.message_log import Appended, NewRecord
from angarium.services.event_publisher import EventPublisher
from tests.fakes.clock import ManualClock

ROOT = Path(__file__).parents[4]
ID = UUID(int=1)
TIME = 1_700_000_000_000


def message(content: str) -> NewMessage:
    assert content_problem(content) is None
    return NewMessage(ID, ID, TIME, ID, ID, ID, content)


class Sink:
    """A log that keeps what is to be appended."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []

    def append(self, record: NewRecord) -> "Future[Appended]":
        self.records.append(record)
        return Future()

    def check(self) -> None: ...


def sent(event: Event) -> int:
    """Give the size of the batch that the library makes of an event
    alone, as it is published by an instance with the longest name.
    """
    sink = Sink()
    name = process_name("n" * 2 * MAX_LENGTH, 2**22)
    EventPublisher(sink, ManualClock(), name)(event, mint(), ID, "accepted", {})
    (record,) = sink.records
    builder = MemoryRecordsBuilder(2, 0, BATCH_BYTES)
    headers = [(name, text.encode()) for name, text in record.headers.items()]
    builder.append(TIME, record.key, record.value, headers)
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
