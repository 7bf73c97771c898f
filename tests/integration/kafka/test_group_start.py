"""Where a group begins after an import."""

from contextlib import closing, suppress

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.group_inspector import GroupInspector
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.log_inspector import KafkaLogInspector
from angarium.ports.message_log import BEGINNING, Position
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import append, keys_by_partition
from tests.integration.kafka.conftest import PARTITIONS

pytestmark = pytest.mark.engines

STARTS = {1: Position(0, 1_700_000_000_001), 3: Position(0, 1_700_000_000_009)}
GROUP = "router"


def commit(connection: KafkaConnectionSettings, topic: str) -> None:
    with closing(GroupInspector(connection, topic, GROUP)) as start:
        start.commit({})
        start.commit(STARTS)


def until_all_are_held(reading: Reading) -> None:
    reading.until(lambda: len(reading.held) == PARTITIONS)


def positions(reading: Reading) -> dict[int, Position]:
    return {each.partition: position for each, position in reading.started.items()}


def test_a_group_begins_where_it_was_told_and_reads_every_record(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    commit(connection, topic)
    commit(connection, topic)
    with closing(KafkaLogInspector(connection, topic, PARTITIONS, GROUP)) as inspector:
        assert inspector.committed() == STARTS
    for key in keys_by_partition(PARTITIONS).values():
        append(log, b"value", key)
    with closing(KafkaLogConsumer(connection, topic, GROUP)) as consumer:
        reading = Reading(consumer)
        until_all_are_held(reading)
        assert positions(reading) == {0: BEGINNING, 2: BEGINNING, **STARTS}
        assert len(reading.until_all(PARTITIONS)) == PARTITIONS


def test_a_group_with_a_member_is_refused(connection: KafkaConnectionSettings, topic: str) -> None:
    with closing(KafkaLogConsumer(connection, topic, GROUP)) as consumer:
        until_all_are_held(Reading(consumer))
        with pytest.raises(LogUnavailable, match="stop its workers"):
            commit(connection, topic)


def test_partitions_without_a_commit_begin_where_the_log_starts(
    connection: KafkaConnectionSettings, topic: str
) -> None:
    commit(connection, topic)
    known = {0: Position(0, 5), 1: Position(0, 5)}
    with closing(KafkaLogConsumer(connection, topic, GROUP, log_starts=lambda: known)) as consumer:
        reading = Reading(consumer)
        until_all_are_held(reading)
        assert positions(reading) == {0: Position(0, 5), 2: BEGINNING, **STARTS}


def test_no_partition_begins_while_it_is_not_known_where(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    for key in keys_by_partition(PARTITIONS).values():
        append(log, b"value", key)
    failures = [LogUnavailable("the store is away")] * 30

    def starts() -> dict[int, Position]:
        if failures:
            raise failures.pop()
        return {2: Position(0, 7)}

    with closing(KafkaLogConsumer(connection, topic, GROUP, log_starts=starts)) as consumer:
        reading = Reading(consumer)

        def until_known() -> bool:
            if failures:
                assert not reading.held
                assert not reading.records
            return len(reading.held) == PARTITIONS

        while not until_known():
            with suppress(LogUnavailable):
                reading.poll()
        assert positions(reading)[2] == Position(0, 7)
        reading.until_all(PARTITIONS)
