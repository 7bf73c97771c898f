import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded import consumer as consumer_module
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_starts import advance_log_starts
from angarium.ports.message_log import BEGINNING, NewRecord, Position, Record
from tests.fakes.clock import ManualClock

PATIENCE = 30.0
PARTITIONS = 4
KEYS = {partition_for(b"key-%d" % number, PARTITIONS): b"key-%d" % number for number in range(50)}


def append(log: EmbeddedLog, partition: int, value: bytes = b"value") -> None:
    log.append(NewRecord(KEYS[partition], value, {"schema": "1"})).result(PATIENCE)


def drain(consumer: EmbeddedConsumer) -> list[Record]:
    """Poll until nothing comes."""
    records: list[Record] = []
    while (polled := consumer.poll(0)).gained or polled.records:
        records += [record for each in polled.records.values() for record in each]
    return records


@pytest.fixture
def log(database: Database, clock: ManualClock) -> EmbeddedLog:
    return EmbeddedLog(database, clock)


@pytest.fixture
def consumer(database: Database, log: EmbeddedLog) -> EmbeddedConsumer:
    return EmbeddedConsumer(database, log, "router")


def test_positions_outlive_a_restart(folder: Path, clock: ManualClock) -> None:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        log = EmbeddedLog(opened, clock)
        for number in range(4):
            append(log, 2, b"%d" % number)
        first = EmbeddedConsumer(opened, log, "router")
        held = {each.partition: each for each in first.poll(0).gained}
        first.commit({held[2]: Position(3, 77)})
    with closing(Database.open(folder, PARTITIONS)) as opened:
        second = EmbeddedConsumer(opened, EmbeddedLog(opened, clock), "router")
        gained = second.poll(0).gained
        assert {each.partition: position for each, position in gained.items()}[2] == Position(
            3, 77
        )
        assert [record.value for record in drain(second)] == [b"3"]


def move_starts(database: Database, starts: dict[int, Position]) -> None:
    def run(
        connection: sqlite3.Connection, items: Sequence[dict[int, Position]]
    ) -> Sequence[None]:
        for each in items:
            advance_log_starts(connection, each)
        return [None] * len(items)

    database.register(run).wait(starts)


def test_a_group_without_a_position_begins_where_the_log_starts(
    database: Database, clock: ManualClock
) -> None:
    move_starts(database, {1: Position(5, 77), 3: Position(8, 99)})
    log = EmbeddedLog(database, clock)
    append(log, 1)
    old = EmbeddedConsumer(database, log, "router")
    held = {each.partition: each for each in old.poll(0).gained}
    old.commit({held[1]: Position(6, 88)})
    for group, first in (("router", Position(6, 88)), ("new", Position(5, 77))):
        consumer = EmbeddedConsumer(database, log, group)
        gained = consumer.poll(0).gained
        assert {each.partition: position for each, position in gained.items()} == {
            0: BEGINNING,
            1: first,
            2: BEGINNING,
            3: Position(8, 99),
        }
        assert [each.offset for each in drain(consumer)] == list(range(first.offset, 6))


def test_an_outage_at_the_first_poll_costs_no_partition(
    database: Database, consumer: EmbeddedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LogUnavailable("out")

    with monkeypatch.context() as outage:
        outage.setattr(database, "read", fail)
        with pytest.raises(LogUnavailable):
            consumer.poll(0)
    assert sorted(each.partition for each in consumer.poll(0).gained) == list(range(PARTITIONS))


def test_an_outage_between_polls_costs_no_record(
    database: Database,
    log: EmbeddedLog,
    consumer: EmbeddedConsumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LogUnavailable("out")

    consumer.poll(0)
    append(log, 1, b"kept")
    with monkeypatch.context() as outage:
        outage.setattr(database, "read", fail)
        with pytest.raises(LogUnavailable):
            consumer.poll(0)
    assert [record.value for record in drain(consumer)] == [b"kept"]


def test_a_busy_partition_keeps_no_other_waiting(
    log: EmbeddedLog, consumer: EmbeddedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "MAX_RECORDS", 10)
    for future in [log.append(NewRecord(KEYS[0], b"busy", {})) for _ in range(200)]:
        future.result(PATIENCE)
    for partition in (1, 2, 3):
        append(log, partition, b"rare")
    consumer.poll(0)
    seen: list[int] = []
    for _ in range(PARTITIONS):
        records = consumer.poll(0).records
        assert sum(map(len, records.values())) <= 10
        seen += [each.partition for each in records]
    assert set(seen) == set(range(PARTITIONS))


def test_a_poll_reads_more_partitions_than_fit_into_one_statement(
    folder: Path, clock: ManualClock
) -> None:
    with closing(Database.open(folder, 200)) as opened:
        log = EmbeddedLog(opened, clock)
        for future in [
            log.append(NewRecord(b"key-%d" % number, b"v", {})) for number in range(600)
        ]:
            future.result(PATIENCE)
        assert len(drain(EmbeddedConsumer(opened, log, "router"))) == 600


def test_only_partitions_with_news_are_read(
    database: Database,
    log: EmbeddedLog,
    consumer: EmbeddedConsumer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drain(consumer)
    append(log, 3)
    asked: list[Sequence[tuple[int, int, int]]] = []
    read = consumer_module._records

    def note(
        connection: sqlite3.Connection, wanted: Sequence[tuple[int, int, int]]
    ) -> list[Record]:
        asked.append(wanted)
        return read(connection, wanted)

    monkeypatch.setattr(consumer_module, "_records", note)
    assert len(consumer.poll(0).records) == 1
    consumer.poll(0)
    assert asked == [[(3, 0, 1)]]


def test_a_commit_that_fails_is_told_and_can_be_repeated(
    folder: Path, log: EmbeddedLog, consumer: EmbeddedConsumer
) -> None:
    append(log, 0)
    assignment = next(each for each in consumer.poll(0).gained if each.partition == 0)
    with closing(sqlite3.connect(folder / "angarium.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LogUnavailable):
            consumer.commit({assignment: Position(1, 5)})
    consumer.commit({assignment: Position(1, 5)})


def test_a_closed_consumer_is_silent_and_commits_nothing(
    database: Database, log: EmbeddedLog, consumer: EmbeddedConsumer
) -> None:
    append(log, 0)
    assignment = next(each for each in consumer.poll(0).gained if each.partition == 0)
    consumer.close()
    consumer.commit({assignment: Position(1, 5)})
    polled = consumer.poll(0)
    assert (dict(polled.gained), dict(polled.records)) == ({}, {})
    assert len(drain(EmbeddedConsumer(database, log, "router"))) == 1


def test_news_does_not_end_the_poll_of_a_paused_flow(
    log: EmbeddedLog, consumer: EmbeddedConsumer
) -> None:
    consumer.poll(0)
    consumer.pause()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(consumer.poll, 0.05)
        append(log, 0)
        assert not waiting.result(PATIENCE).records
    consumer.resume()
    assert len(drain(consumer)) == 1


def test_a_poll_without_news_waits_without_working(
    log: EmbeddedLog, consumer: EmbeddedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.poll(0)
    looks: list[Sequence[int]] = []
    ends = log.ends

    def look() -> Sequence[int]:
        looks.append(ends())
        return looks[-1]

    monkeypatch.setattr(log, "ends", look)
    consumer.poll(0.1)
    assert len(looks) <= 3


def test_a_poll_brings_no_more_bytes_than_it_may_and_skips_nothing(
    log: EmbeddedLog, consumer: EmbeddedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "MAX_BYTES", 1_000)
    for size in (400, 400, 400, 2_000, 10, 10):
        append(log, 1, b"x" * size)
        append(log, 2, b"y" * size)
    consumer.poll(0)
    polls: list[list[Record]] = []
    while records := consumer.poll(0).records:
        polls.append([record for each in records.values() for record in each])
    assert all(
        len(each) == 1 or sum(len(one.value or b"") for one in each) <= 1_000 for each in polls
    )
    for partition in (1, 2):
        came = [
            len(one.value or b"") for each in polls for one in each if one.partition == partition
        ]
        assert came == [400, 400, 400, 2_000, 10, 10]


def test_large_records_of_a_busy_partition_keep_no_other_waiting(
    log: EmbeddedLog, consumer: EmbeddedConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer_module, "MAX_BYTES", 1_000)
    for partition in (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3):
        append(log, partition, b"x" * 900)
    consumer.poll(0)
    seen: list[int] = []
    for _ in range(PARTITIONS):
        seen += [each.partition for each in consumer.poll(0).records]
    assert set(seen) == set(range(PARTITIONS))
