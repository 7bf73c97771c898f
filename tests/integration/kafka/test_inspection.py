"""Reading a log on Kafka beside its workers, where it is not as a
service writes it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import uuid4

import kafka
import pytest
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.log_inspector import KafkaDeadLetterInspector, KafkaLogInspector
from angarium.engines.kafka.topics import dead_letters_of
from angarium.ports.log_inspection import MAX_BYTES_AT_ONCE, OffsetRange
from angarium.ports.message_log import DeadLetter, Record
from tests.acceptance.service import until
from tests.contract.ports.records import append
from tests.engines.kafka_server import KafkaServer
from tests.integration.kafka.appends import key_of
from tests.integration.kafka.conftest import PARTITIONS
from tests.integration.kafka.raw_batches import in_lz4, produce
from tests.integration.kafka.test_consumer import overwrite_commit
from tests.integration.kafka.test_lost_records import expire, fill
from tests.integration.kafka.test_undecodable import let_producers_compress

pytestmark = pytest.mark.engines

EVERYTHING = 1_000


@pytest.fixture
def group() -> str:
    return f"router-{uuid4().hex[:8]}"


@pytest.fixture
def inspector(
    connection: KafkaConnectionSettings, topic: str, group: str
) -> Iterator[KafkaLogInspector]:
    with closing(KafkaLogInspector(connection, topic, PARTITIONS, group)) as inspector:
        yield inspector


def values(inspector: KafkaLogInspector, offset: int = 0) -> list[bytes | None]:
    return [each.value for each in inspector.read(0, offset, EVERYTHING)]


def test_records_that_another_producer_took_back_are_not_read(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    key = key_of(0, PARTITIONS)
    append(log, "first", key)
    other = kafka.KafkaProducer(transactional_id=topic, **connection.options())
    try:
        other.init_transactions()
        other.begin_transaction()
        other.send(topic, b"open", key, partition=0)
        other.flush(timeout=30)
        append(log, "behind", key)
        assert inspector.ranges()[0] == OffsetRange(0, 1)
        assert values(inspector) == [b"first"]
        other.abort_transaction()
        # The broker writes the marker after it has answered.
        until(lambda: inspector.ranges()[0].end == 4, "the transaction is over")
        assert values(inspector) == [b"first", b"behind"]
        other.begin_transaction()
        other.send(topic, b"taken back", key, partition=0)
        other.flush(timeout=30)
        other.abort_transaction()
    finally:
        other.close(timeout=10)
    until(lambda: inspector.ranges()[0].end == 6, "the second one is over")
    # Only what was taken back and markers are left in front of the end.
    assert list(inspector.read(0, 3, EVERYTHING)) == []


def test_a_record_that_cannot_be_decoded_comes_with_its_problem(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    let_producers_compress(connection, topic)
    produce(connection, topic, [b"first", b"second"], in_lz4)
    append(log, "behind", key_of(0, PARTITIONS))
    odd, behind = inspector.read(0, 0, EVERYTHING)
    assert odd.offset == 1
    assert "lz4" in (odd.problem or "")
    assert (behind.value, behind.problem) == (b"behind", None)


def test_what_retention_took_is_skipped(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    fill(log, 9)
    expire(connection, topic, 3)
    assert inspector.ranges()[0] == OffsetRange(3, 9)
    first, second = inspector.read(0, 0, 2)
    assert (first.offset, second.offset) == (3, 4)


def test_what_retention_takes_right_in_front_of_a_reader_is_skipped(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    fill(log, 4)
    assert len(inspector.read(0, 0, EVERYTHING)) == 4
    assert list(inspector.read(0, 4, EVERYTHING)) == []
    fill(log, 3)
    expire(connection, topic, 6)
    assert [each.offset for each in inspector.read(0, 4, EVERYTHING)] == [6]


def test_an_offset_without_a_watermark_is_no_position(
    connection: KafkaConnectionSettings, topic: str, group: str, inspector: KafkaLogInspector
) -> None:
    overwrite_commit(connection, topic, group, 0, OffsetAndMetadata(5, "", -1))
    overwrite_commit(connection, topic, group, 1, OffsetAndMetadata(6, "T=77", -1))
    assert {at: each.watermark for at, each in inspector.committed().items()} == {1: 77}


def test_what_another_producer_has_compressed_is_bounded_all_the_same(
    connection: KafkaConnectionSettings, topic: str, inspector: KafkaLogInspector
) -> None:
    let_producers_compress(connection, topic)
    producer = kafka.KafkaProducer(
        compression_type="gzip", linger_ms=1_000, **connection.options()
    )
    try:
        for _ in range(9):
            producer.send(topic, bytes(300_000), b"key", partition=0)
        producer.flush(timeout=30)
    finally:
        producer.close()
    offset, reads = 0, 0
    while found := inspector.read(0, offset, EVERYTHING):
        assert sum(len(each.value or b"") for each in found) <= MAX_BYTES_AT_ONCE
        offset, reads = found[-1].offset + 1, reads + 1
    assert (offset, reads) == (9, 3)


def test_records_that_a_failed_read_has_taken_out_are_read_again(
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    inspector: KafkaLogInspector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(log, 3)
    assert list(inspector.read(0, 3, EVERYTHING)) == []
    fill(log, 2)
    poll = kafka.KafkaConsumer.poll

    def fail(consumer: kafka.KafkaConsumer, **arguments: object) -> None:
        while not poll(consumer, **arguments):
            pass
        raise KafkaError("behind what was taken out")

    with monkeypatch.context() as failing:
        failing.setattr(kafka.KafkaConsumer, "poll", fail)
        with pytest.raises(LogUnavailable, match="behind what was taken out"):
            inspector.read(0, 3, EVERYTHING)
    assert values(inspector, 3) == [b"0", b"1"]


def test_another_partition_count_is_told_not_read(
    connection: KafkaConnectionSettings, topic: str, group: str
) -> None:
    with (
        closing(KafkaLogInspector(connection, topic, PARTITIONS + 1, group)) as inspector,
        pytest.raises(LogUnavailable, match=f"has {PARTITIONS} partitions"),
    ):
        inspector.ranges()


def test_a_topic_that_is_missing_is_told_with_the_command_that_makes_it(
    connection: KafkaConnectionSettings, group: str
) -> None:
    with (
        closing(KafkaLogInspector(connection, f"no-{group}", PARTITIONS, group)) as inspector,
        within(3.0),
        pytest.raises(LogUnavailable, match="angarium init"),
    ):
        inspector.ranges()


def test_a_silent_broker_is_told_within_the_deadline_and_read_again_once_it_answers(
    kafka_server: KafkaServer, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    fill(log, 3)
    calls: list[Callable[[], object]] = [
        inspector.ranges,
        inspector.committed,
        inspector.members,
        lambda: inspector.read(0, 0, EVERYTHING),
    ]
    for call in calls:
        call()
    kafka_server.freeze()
    for call in calls:
        began = time.monotonic()
        with within(1.0), pytest.raises(LogUnavailable):
            call()
        assert time.monotonic() - began < 5.0
    kafka_server.resume()
    assert inspector.ranges()[0] == OffsetRange(0, 3)
    assert values(inspector) == [b"0", b"1", b"2"]
    assert dict(inspector.committed()) == {}
    assert list(inspector.members()) == []


def test_a_broker_that_is_away_is_told_and_found_when_it_comes(
    kafka_server: KafkaServer, log: KafkaLog, inspector: KafkaLogInspector
) -> None:
    fill(log, 2)
    kafka_server.kill()
    for call in (inspector.ranges, inspector.members):
        with within(2.0), pytest.raises(LogUnavailable):
            call()
    kafka_server.start()
    assert inspector.ranges()[0] == OffsetRange(0, 2)
    assert list(inspector.members()) == []


def test_a_topic_of_dead_letters_that_forgets_says_since_when_it_is_complete(
    connection: KafkaConnectionSettings, topic: str
) -> None:
    with (
        closing(KafkaDeadLetters(connection, topic)) as dead_letters,
        closing(KafkaDeadLetterInspector(connection, topic)) as inspector,
    ):
        dead_letters.wait_until_connected(30.0)
        for offset in range(4):
            record = Record(0, offset, 5, b"key", b"value", {"reason": b"own", "detail": None})
            dead_letters.append(DeadLetter("key_mismatch", "why", record, "trace")).result(30.0)
        assert inspector.kept_since() == 0
        assert inspector.count() == 4
        # One read may return more than there was when a walk began.
        assert [each.offset for each in inspector._read(0, 2)] == [0, 1]
        with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
            administrator.delete_records({TopicPartition(dead_letters_of(topic), 0): 2})
        assert [each.offset for each in inspector.walk()] == [2, 3]
        assert {each.reason for each in inspector.walk()} == {"key_mismatch"}
        kept_since = inspector.kept_since()
        assert 1_700_000_000_000 < kept_since <= time.time() * 1000
        with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
            administrator.delete_records({TopicPartition(dead_letters_of(topic), 0): 4})
        assert list(inspector.walk()) == []
        assert inspector.kept_since() >= kept_since


def test_what_is_no_dead_letter_of_ours_is_left_out(
    connection: KafkaConnectionSettings, topic: str
) -> None:
    produce(connection, dead_letters_of(topic), [b"whatever"], bytes)
    with closing(KafkaDeadLetterInspector(connection, topic)) as inspector:
        assert list(inspector.walk()) == []
        assert inspector.count() == 0
