"""Logs that have lost what a group is to read next."""

import shutil
from contextlib import closing
from functools import partial

import kafka
import pytest
from kafka.structs import TopicPartition

from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer, to_commit
from angarium.engines.kafka.log import KafkaLog
from angarium.ports.message_log import BEGINNING, Appended, Position
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import append
from tests.engines.kafka_server import KafkaServer
from tests.integration.kafka.appends import key_of, try_to_append
from tests.integration.kafka.conftest import PARTITIONS, OpenReading
from tests.integration.kafka.test_consumer import overwrite_commit, poll_in_outage, wait_for
from tests.unit.services.log_lines import LogLines

pytestmark = pytest.mark.engines

WATERMARK = 1_700_000_000_000


def expire(connection: KafkaConnectionSettings, topic: str, offset: int) -> None:
    """Let the records of the first partition in front of an offset go,
    as retention does.
    """
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        administrator.delete_records({TopicPartition(topic, 0): offset})


def fill(log: KafkaLog, count: int) -> None:
    key = key_of(0, PARTITIONS)
    for number in range(count):
        append(log, f"{number}", key)


def is_taken(log: KafkaLog, value: str) -> bool:
    return isinstance(try_to_append(log, value, key_of(0, PARTITIONS)), Appended)


def lose_and_fill(kafka_server: KafkaServer, topic: str, log: KafkaLog) -> None:
    """Lose the first partition, and append more to it than it had."""
    kafka_server.kill()
    shutil.rmtree(kafka_server.folder / "data" / f"{topic}-0")
    kafka_server.start()
    for number in range(4):
        wait_for(partial(is_taken, log, f"new {number}"))


def require_all_that_is_new(reading: Reading, lines: LogLines) -> None:
    """Two records were processed before: none of the others is left
    out, and the loss is told.
    """
    wait_for(lambda: not poll_in_outage(reading) and b"new 3" in reading.values())
    assert {b"new 0", b"new 1", b"new 2", b"new 3"} <= set(reading.values())
    assert reading.started[reading.held[0]] == Position(0, WATERMARK + 1)
    (told,) = lines.of("records_missing")
    assert (told["partition"], told["offset"], told["first_offset"]) == (0, 2, 0)


def test_a_log_that_ends_before_the_groups_offset_is_read_from_its_beginning_and_told(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, lines: LogLines
) -> None:
    group = "router-" + topic
    fill(log, 2)
    append(log, "elsewhere", key_of(1, PARTITIONS))
    overwrite_commit(connection, topic, group, 0, to_commit(Position(1_000, WATERMARK)))
    with closing(KafkaLogConsumer(connection, topic, group)) as consumer:
        reading = Reading(consumer)
        reading.until(lambda: set(reading.values()) == {b"0", b"1", b"elsewhere"})
        assert len(reading.records) == 3
        assert [assignment.partition for assignment in reading.lost] == [0]
        # Later than everything that was read of the log before, so that
        # nothing comes between it.
        assert reading.started[reading.held[0]] == Position(0, WATERMARK + 1)
        told = {"partition": 0, "offset": 1_000, "first_offset": 0, "last_offset": 1}
        assert lines.of("records_missing") == [told]
    # Nobody has worked anything through since: the offset of the log
    # that is gone must not come back.
    with closing(KafkaLogConsumer(connection, topic, group)) as successor:
        reading = Reading(successor)
        reading.until_holding(PARTITIONS)
        assert reading.started[reading.held[0]] == Position(0, WATERMARK + 1)
        records = reading.until_all(3)
        reading.commit(
            *[record for record in records if record.value == b"1"], watermark=WATERMARK + 2
        )
    with closing(KafkaLogConsumer(connection, topic, group)) as third:
        reading = Reading(third)
        reading.until_holding(PARTITIONS)
        assert reading.started[reading.held[0]] == Position(2, WATERMARK + 2)


def test_a_log_that_is_lost_under_a_worker_and_filled_again_is_read_from_its_beginning(
    kafka_server: KafkaServer, topic: str, log: KafkaLog, read: OpenReading, lines: LogLines
) -> None:
    fill(log, 2)
    reading = read()
    reading.commit(*reading.until_all(2)[1:], watermark=WATERMARK)
    lose_and_fill(kafka_server, topic, log)
    require_all_that_is_new(reading, lines)


def test_a_log_that_is_lost_and_filled_again_while_no_worker_runs_is_read_from_its_beginning(
    kafka_server: KafkaServer, topic: str, log: KafkaLog, read: OpenReading, lines: LogLines
) -> None:
    """By its offset alone the group would start among the new records,
    and those before it would never be read.
    """
    fill(log, 2)
    before = read()
    before.commit(*before.until_all(2)[1:], watermark=WATERMARK)
    before.consumer.close()
    lose_and_fill(kafka_server, topic, log)
    reading = read()
    require_all_that_is_new(reading, lines)


@pytest.mark.parametrize("expired", [0, 3])
def test_a_log_that_kept_what_was_committed_goes_on_there_after_a_restart(
    expired: int,
    kafka_server: KafkaServer,
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    read: OpenReading,
    lines: LogLines,
) -> None:
    """Another leader epoch has begun, and no record of the committed
    one may be left.
    """
    fill(log, 3)
    before = read()
    before.commit(*before.until_all(3)[2:], watermark=WATERMARK)
    before.consumer.close()
    if expired:
        expire(connection, topic, expired)
    kafka_server.kill()
    kafka_server.start()
    wait_for(partial(is_taken, log, "new"))
    reading = read()
    wait_for(lambda: not poll_in_outage(reading) and b"new" in reading.values())
    assert set(reading.values()) == {b"new"}
    assert reading.started[reading.held[0]] == Position(3, WATERMARK)
    assert not lines.of("records_missing")


def test_records_that_expire_before_they_are_read_are_told(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, lines: LogLines
) -> None:
    group = "router-" + topic
    fill(log, 4)
    overwrite_commit(connection, topic, group, 0, to_commit(Position(1, WATERMARK)))
    expire(connection, topic, 3)
    with closing(KafkaLogConsumer(connection, topic, group)) as consumer:
        reading = Reading(consumer)
        assert [record.value for record in reading.until_all(1)] == [b"3"]
        assert reading.started[reading.held[0]] == Position(3, WATERMARK)
    told = {"partition": 0, "offset": 1, "first_offset": 3, "last_offset": 3}
    assert lines.of("records_missing") == [told]


def test_a_new_group_begins_with_the_first_record_that_there_is(
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    read: OpenReading,
    lines: LogLines,
) -> None:
    fill(log, 3)
    expire(connection, topic, 2)
    reading = read()
    assert [record.value for record in reading.until_all(1)] == [b"2"]
    assert reading.started[reading.held[0]] == Position(2, BEGINNING.watermark)
    assert not lines.of("records_missing")
