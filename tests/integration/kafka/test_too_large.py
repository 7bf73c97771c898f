"""A topic that takes less than a legal message, from one moment to the
next: whom does it harm?
"""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field

import pytest
from kafka.record import MemoryRecordsBuilder

from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.record_sizes import MAX_BATCH_BYTES, max_batch_bytes
from angarium.ports.message_log import Appended, NewRecord, Record
from tests.engines.kafka_topics import set_config
from tests.integration.kafka.appends import key_of
from tests.integration.kafka.conftest import PARTITIONS, OpenReading
from tests.unit.services.log_lines import LogLines

pytestmark = pytest.mark.engines

HEADERS = {"trace_id": "0" * 32, "schema": "1"}
WIRE_HEADERS = [(name, text.encode()) for name, text in HEADERS.items()]
LEGAL_BYTES = 60_000
PATIENCE = 60.0
SMALL = 300


@dataclass
class AppendLoad:
    """Many senders of small records, and one who repeats a large
    one.
    """

    log: KafkaLog
    large: int
    sent: "dict[bytes, Future[Appended]]" = field(default_factory=dict)
    refused: int = 0

    def send(self, rounds: int) -> None:
        """Send without waiting for answers, so that records share
        batches, then wait for all.
        """
        keys = [key_of(partition, PARTITIONS) for partition in range(PARTITIONS)]
        for _ in range(rounds):
            small = [self._small(key, number) for number in range(10) for key in keys]
            larges = [self.log.append(NewRecord(key, bytes(self.large), HEADERS)) for key in keys]
            small += [self._small(key, number) for number in range(10) for key in keys]
            for future in small:
                assert isinstance(future.result(30), Appended)
            for large in larges:
                assert isinstance(large.exception(30), RecordTooLarge)
                self.refused += 1

    def _small(self, key: bytes, number: int) -> "Future[Appended]":
        value = b"%d/%d/" % (len(self.sent), number)
        self.sent[value] = self.log.append(NewRecord(key, value.ljust(SMALL, b"."), HEADERS))
        return self.sent[value]


def batch_bytes_of(size: int) -> int:
    """Give the size of the batch of a record with a value of a size."""
    builder = MemoryRecordsBuilder(2, 0, size)
    builder.append(0, key_of(0, PARTITIONS), bytes(size), WIRE_HEADERS)
    builder.close()
    return len(builder.buffer())


def until_refused(log: KafkaLog, size: int) -> RecordTooLarge:
    """Send a large record until the broker heeds what the topic was
    told.
    """
    return next(answer for answer in answers(log, size) if isinstance(answer, RecordTooLarge))


def answers(log: KafkaLog, size: int) -> Iterator[Appended | BaseException]:
    give_up_at = time.monotonic() + PATIENCE
    key = key_of(0, PARTITIONS)
    while time.monotonic() < give_up_at:
        future = log.append(NewRecord(key, bytes(size), HEADERS))
        yield future.exception(30) or future.result()
    raise AssertionError("the topic never heeded it")


def read_all(read: OpenReading, load: AppendLoad) -> list[Record]:
    """Read until every small record has come, and give them without
    what came before.
    """
    reading = read()
    reading.until(
        lambda: (
            sum(len(record.value or b"") == SMALL for record in reading.records) >= len(load.sent)
        )
    )
    return [record for record in reading.records if len(record.value or b"") == SMALL]


def positions(records: list[Record]) -> dict[tuple[int, int], bytes]:
    """Give what lies where."""
    return {(each.partition, each.offset): (each.value or b"").rstrip(b".") for each in records}


@pytest.mark.parametrize(
    ("limit", "large"),
    [
        (
            20_000,
            LEGAL_BYTES,
        ),  # larger than any batch of small records: the large ones are alone in theirs
        (
            1_000,
            2_000,
        ),  # smaller than batches: the broker refuses records of everybody with the large ones
    ],
)
def test_a_record_that_its_topic_takes_no_more_is_refused_alone(
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    read: OpenReading,
    lines: LogLines,
    limit: int,
    large: int,
) -> None:
    set_config(connection, topic, "max.message.bytes", limit)
    assert f"topic {topic!r} accepts no record of {batch_bytes_of(large)} bytes" in str(
        until_refused(log, large)
    )
    load = AppendLoad(log, large)
    load.send(rounds=5)
    assert load.refused == 5 * PARTITIONS
    records = read_all(read, load)
    assert positions(records) == {
        (future.result().partition, future.result().offset): value
        for value, future in load.sent.items()
    }, "each once, and where its sender was told"
    for partition in range(PARTITIONS):
        offsets = [
            each.result().offset
            for each in load.sent.values()
            if each.result().partition == partition
        ]
        assert offsets == sorted(offsets), "in the order in which they were sent"
    assert lines.of("kafka_connected") == [], "the producer went on"
    # Told to take more, it takes the same record at once.
    set_config(connection, topic, "max.message.bytes", 1_048_588)
    assert any(isinstance(answer, Appended) for answer in answers(log, large))


def test_a_record_that_no_topic_takes_is_refused_at_once_and_harms_nobody(log: KafkaLog) -> None:
    key = key_of(0, PARTITIONS)
    for _ in range(3):
        with pytest.raises(RecordTooLarge):
            log.append(NewRecord(key, bytes(2 * 1024 * 1024), HEADERS))
        assert isinstance(log.append(NewRecord(key, b"small", HEADERS)).result(30), Appended)


def test_what_a_topic_must_take_is_taken(
    log: KafkaLog, connection: KafkaConnectionSettings, topic: str
) -> None:
    """The figure that `init` and every start ask for is enough for the
    largest legal record.
    """
    set_config(connection, topic, "max.message.bytes", 1_000)
    until_refused(log, LEGAL_BYTES)
    set_config(connection, topic, "max.message.bytes", MAX_BATCH_BYTES)
    key = key_of(0, PARTITIONS)
    size = (
        MAX_BATCH_BYTES - max_batch_bytes(key, b"", WIRE_HEADERS) - 8
    )  # its own length has digits too
    assert any(isinstance(answer, Appended) for answer in answers(log, size))
    assert isinstance(
        log.append(NewRecord(key, bytes(size + 100), HEADERS)).exception(30), LogUnavailable
    )
