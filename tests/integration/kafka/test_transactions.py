"""Records of another producer's transactions: those it takes back were
never said.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from uuid import uuid4

import kafka
import pytest

from angarium.engines.kafka import dead_letter_records
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.record_sizes import MAX_DEAD_LETTER_BYTES
from angarium.engines.kafka.topics import dead_letters_of
from angarium.ports.message_log import DeadLetter, Record
from tests.contract.ports.records import append
from tests.integration.kafka.appends import key_of
from tests.integration.kafka.conftest import PARTITIONS, OpenReading
from tests.unit.services.log_lines import LogLines, captured

pytestmark = pytest.mark.engines


@pytest.fixture
def other(connection: KafkaConnectionSettings) -> Iterator[kafka.KafkaProducer]:
    """Another program's producer, which sends in transactions."""
    producer = kafka.KafkaProducer(
        transactional_id=f"other-{uuid4().hex[:8]}", **connection.options()
    )
    try:
        producer.init_transactions()
        yield producer
    finally:
        producer.close(timeout=10)


@contextmanager
def transaction(
    producer: kafka.KafkaProducer, topic: str, value: str, key: bytes
) -> Iterator[None]:
    """Keep a transaction with one record open for a block; the block
    ends it.
    """
    producer.begin_transaction()
    producer.send(topic, value.encode(), key, partition=0)
    producer.flush(timeout=30)
    yield


def test_what_another_producer_aborts_is_never_given_out(
    topic: str, log: KafkaLog, read: OpenReading, other: kafka.KafkaProducer
) -> None:
    key = key_of(0, PARTITIONS)
    append(log, "first", key)
    with transaction(other, topic, "taken back", key):
        append(log, "meanwhile", key)
        other.abort_transaction()
    with transaction(other, topic, "meant", key):
        other.commit_transaction()
    append(log, "last", key)
    with captured() as lines:
        reading = read()
        reading.until(lambda: b"last" in reading.values())
        assert reading.values() == [b"first", b"meanwhile", b"meant", b"last"]
        *before, last = [record.offset for record in reading.records]
        assert before == [0, 2, 4]
        assert last in (5, 6), "a broker writes the marker of the commit before that or after"
        reading.commit(reading.records[2], watermark=5)
        reading.consumer.close()
        again = read()
        again.until(lambda: b"last" in again.values())
        assert again.values() == [b"last"]
        assert told_of_gaps(lines) == []


def test_a_group_whose_position_lies_in_what_was_aborted_goes_on_behind_it(
    topic: str, log: KafkaLog, read: OpenReading, other: kafka.KafkaProducer
) -> None:
    key = key_of(0, PARTITIONS)
    append(log, "first", key)
    with captured() as lines:
        reading = read()
        reading.until_all(1)
        reading.commit(reading.records[0], watermark=5)
        reading.consumer.close()
        with transaction(other, topic, "taken back", key):
            other.abort_transaction()
        append(log, "behind", key)
        again = read()
        again.until(lambda: b"behind" in again.values())
        assert again.values() == [b"behind"]
        assert told_of_gaps(lines) == []


def test_what_lies_behind_an_open_transaction_waits_for_its_end(
    topic: str, log: KafkaLog, read: OpenReading, other: kafka.KafkaProducer
) -> None:
    key, elsewhere = key_of(0, PARTITIONS), key_of(1, PARTITIONS)
    append(log, "before", key)
    with transaction(other, topic, "open", key):
        append(log, "behind", key)
        append(log, "elsewhere", elsewhere)
        reading = read()
        reading.until(lambda: {b"before", b"elsewhere"} <= set(reading.values()))
        assert b"behind" not in reading.values()
        other.commit_transaction()
        reading.until(lambda: b"behind" in reading.values())
    assert [value for value in reading.values() if value != b"elsewhere"] == [
        b"before",
        b"open",
        b"behind",
    ]


def test_dead_letters_that_were_aborted_are_not_listed(
    connection: KafkaConnectionSettings, topic: str, other: kafka.KafkaProducer
) -> None:
    end: Callable[[], None]
    for value, end in [
        (b"taken back", other.abort_transaction),
        (b"meant", other.commit_transaction),
    ]:
        letter = DeadLetter("internal_error", "detail", Record(0, 1, 5, b"key", value), "trace")
        other.begin_transaction()
        other.send(
            dead_letters_of(topic),
            **dead_letter_records.encode(letter, topic, MAX_DEAD_LETTER_BYTES)._asdict(),
        )
        other.flush(timeout=30)
        end()
    with closing(KafkaDeadLetters(connection, topic)) as kept:
        assert [each.record.value for each in kept.read(10)] == [b"meant"]


def told_of_gaps(lines: LogLines) -> list[Mapping[str, object]]:
    """Give the lines that take a gap of offsets for a loss."""
    return [*lines.of("records_missing"), *lines.of("batch_corrupt")]
