"""What a consumer does while its group, its positions or its brokers
change.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import kafka
import pytest
from kafka.admin import MemberToRemove
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.log import KafkaLog
from angarium.ports.message_log import BEGINNING, NewRecord, Position, Record
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import ANSWER_S, append, keys_by_partition, new_key
from tests.engines.kafka_server import KafkaServer
from tests.integration.kafka.appends import cpu_seconds, until_taken
from tests.integration.kafka.conftest import PARTITIONS, OpenReading

pytestmark = pytest.mark.engines

IDLE_SHARE = 0.25
OUTAGE_S = 3.0
FILLED = 200


def poll_in_outage(reading: Reading) -> bool:
    """Poll once, and tell whether an outage was told."""
    try:
        reading.poll(0.1)
    except LogUnavailable:
        return True
    return False


def poll_in_outage_for(seconds: float, reading: Reading) -> None:
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        poll_in_outage(reading)


def settle(*readings: Reading) -> None:
    """Poll all until each partition is held once and everybody holds
    some.
    """

    def settled() -> bool:
        for reading in readings:
            reading.poll()
        held = [partition for reading in readings for partition in reading.held]
        return sorted(held) == list(range(PARTITIONS)) and all(
            reading.held for reading in readings
        )

    readings[0].until(settled)


def fill(log: KafkaLog) -> None:
    """Give each partition records for every position that a test may
    commit.
    """
    keys = keys_by_partition(PARTITIONS).values()
    futures = [log.append(NewRecord(key, b"v", {})) for key in keys for _ in range(FILLED)]
    for future in futures:
        future.result(ANSWER_S)


def overwrite_commit(
    connection: KafkaConnectionSettings,
    topic: str,
    group: str,
    partition: int,
    committed: OffsetAndMetadata,
) -> None:
    """Commit as an administrator's tool does, to a group without
    members.
    """
    consumer = kafka.KafkaConsumer(
        group_id=group, enable_auto_commit=False, **connection.options()
    )
    topic_partition = TopicPartition(topic, partition)
    consumer.assign([topic_partition])
    consumer.commit({topic_partition: committed})
    consumer.close()


def test_a_commit_during_a_rebalance_is_uncertain_and_works_afterwards_for_what_was_kept(
    log: KafkaLog, read: OpenReading
) -> None:
    fill(log)
    first, second = read(), read()
    settle(first, second)
    before = dict(first.held)
    newcomer = read()
    uncertain: Position | None = None
    offsets = iter(range(1, FILLED + 1))

    def refused() -> bool:
        nonlocal uncertain
        newcomer.poll()
        # The rebalance cannot end while the second one does not poll.
        uncertain = Position(next(offsets), 7)
        try:
            first.consumer.commit(dict.fromkeys(first.held.values(), uncertain))
        except LogUnavailable:
            return True
        return False

    first.until(refused)
    assert uncertain is not None
    settle(first, second, newcomer)

    def taken() -> bool:
        second.poll()
        newcomer.poll()
        try:
            first.consumer.commit(dict.fromkeys(first.held.values(), uncertain))
        except LogUnavailable:
            return False
        return True

    first.until(taken)
    kept = [held for partition, held in first.held.items() if before.get(partition) == held]
    assert kept
    first.consumer.close()
    settle(second, newcomer)
    # The second one may have had the partition before the first one.
    held = {**second.held, **newcomer.held}[kept[0].partition]
    assert {**second.started, **newcomer.started}[held] == uncertain


def test_who_was_thrown_out_can_commit_nothing_and_begins_anew_where_the_group_is(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog, kafka_server: KafkaServer
) -> None:
    group = "router-" + topic
    append(log, "v", new_key())
    with closing(KafkaLogConsumer(connection, topic, group)) as consumer:
        reading = Reading(consumer)
        (record,) = reading.until_all(1)
        held = dict(reading.held)
        throw_out(connection, group)
        reading.commit(record, watermark=99)
        reading.until(lambda: len(reading.lost) == PARTITIONS and len(reading.held) == PARTITIONS)
        assert set(reading.lost) == set(held.values())
        assert reading.started[reading.held[record.partition]] == BEGINNING
        again = reading.until_all(2)[1]
        assert again.value == b"v"
        reading.commit(again, watermark=3)
    with closing(KafkaLogConsumer(connection, topic, group)) as successor:
        reading = Reading(successor)
        reading.until_holding(PARTITIONS)
        assert reading.started[reading.held[record.partition]] == Position(1, 3)


@pytest.mark.parametrize("timeout", [0.05, 0.0], ids=["polls that wait", "polls that do not"])
def test_who_is_thrown_out_while_it_joins_anew_keeps_no_partition_under_an_old_token(
    connection: KafkaConnectionSettings, topic: str, timeout: float
) -> None:
    group = "router-" + topic
    with (
        closing(KafkaLogConsumer(connection, topic, group)) as consumer,
        closing(KafkaLogConsumer(connection, topic, group)) as newcomer,
    ):
        reading = Reading(consumer)
        held = dict(reading.until_holding(PARTITIONS))
        assert consumer._client is not None
        coordinator = consumer._client._consumer._coordinator
        Reading(newcomer).until(coordinator.need_rejoin)
        # It knows of a rebalance, and asks to join as the member that
        # it no longer is.
        throw_out(connection, group)
        reading.until(
            lambda: len(reading.lost) >= PARTITIONS and len(reading.held) == PARTITIONS, timeout
        )
        assert set(held.values()) <= set(reading.lost)
        assert not set(held.values()) & set(reading.held.values())


def test_an_offset_without_a_watermark_is_read_again_from_the_beginning(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    group = "router-" + topic
    key = new_key()
    (partition,) = {append(log, f"{number}", key).partition for number in range(3)}
    overwrite_commit(connection, topic, group, partition, OffsetAndMetadata(2, "", -1))
    with closing(KafkaLogConsumer(connection, topic, group)) as consumer:
        reading = Reading(consumer)
        assert [record.value for record in reading.until_all(3)] == [b"0", b"1", b"2"]
        assert reading.started[reading.held[partition]] == BEGINNING


@pytest.mark.parametrize("away", ["silent", "dead"])
def test_an_outage_is_told_and_costs_little_cpu_and_what_comes_later_is_read_once_in_order(
    kafka_server: KafkaServer, log: KafkaLog, read: OpenReading, away: str
) -> None:
    key = new_key()
    append(log, "before", key)
    reading = read()
    reading.commit(*reading.until_all(1), watermark=1)
    if away == "silent":
        kafka_server.freeze()
    else:
        kafka_server.kill()
    while not poll_in_outage(reading):
        assert not reading.lost
    assert cpu_seconds(lambda: poll_in_outage_for(OUTAGE_S, reading)) < IDLE_SHARE * OUTAGE_S
    kafka_server.start()
    until_taken(log, "during")
    for number in range(3):
        append(log, f"{number}", key)

    def all_there() -> bool:
        poll_in_outage(reading)
        return reading.values().count(b"2") > 0

    wait_for(all_there)
    values = [value for value in reading.values() if value in (b"before", b"0", b"1", b"2")]
    assert values == [b"before", b"0", b"1", b"2"]


def test_a_consumer_that_starts_during_an_outage_tells_it_and_begins_when_brokers_are_back(
    kafka_server: KafkaServer, log: KafkaLog, read: OpenReading
) -> None:
    append(log, "v", new_key())
    kafka_server.kill()
    reading = read()
    with pytest.raises(LogUnavailable):
        reading.poll(0.1)
    kafka_server.start()
    wait_for(lambda: not poll_in_outage(reading) and len(reading.records) == 1)


def test_a_topic_that_is_not_there_is_told(connection: KafkaConnectionSettings, name: str) -> None:
    with (
        closing(KafkaLogConsumer(connection, name, "router")) as consumer,
        pytest.raises(LogUnavailable, match="angarium init"),
    ):
        consumer.poll(0.1)


def test_closing_during_an_outage_is_bounded(kafka_server: KafkaServer, read: OpenReading) -> None:
    reading = read()
    reading.until_holding(PARTITIONS)
    kafka_server.freeze()
    started = time.monotonic()
    reading.consumer.close()
    assert time.monotonic() - started < 6.0


def test_a_long_poll_tells_a_rebalance_when_it_comes(read: OpenReading) -> None:
    first, second = read(), read()
    first.until_holding(PARTITIONS)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(first.poll, 60.0)
        second.until(lambda: waiting.done() or bool(second.held))
        assert waiting.result(30.0).lost


def test_a_rebalance_that_ends_between_two_polls_is_not_begun_anew(
    read: OpenReading, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kafka.coordinator")
    reading = read()
    pause = threading.Event()

    def holds_all() -> bool:
        reading.poll(0.0)
        pause.wait(0.03)
        return len(reading.held) == PARTITIONS

    wait_for(holds_all)
    joins = [line for line in caplog.messages if line.startswith("(Re-)joining")]
    assert len(joins) <= 3, "one to be given an id, one to join, one for a busy machine"


@pytest.mark.storm
def test_members_that_come_and_go_skip_no_record(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    group = "router-" + topic
    keys = keys_by_partition(PARTITIONS)
    sent = {f"{number}".encode() for number in range(400)}
    seen: set[bytes] = set()
    over = threading.Event()

    def work(lifetimes: int) -> None:
        for life in range(lifetimes):
            with closing(
                KafkaLogConsumer(connection, topic, group, max_poll_records=7)
            ) as consumer:
                reading = Reading(consumer)
                for _ in range(15 + 10 * life):
                    step(reading)
        with closing(KafkaLogConsumer(connection, topic, group, max_poll_records=7)) as consumer:
            reading = Reading(consumer)
            while not over.is_set():
                step(reading)

    def step(reading: Reading) -> None:
        taken = len(reading.records)
        reading.poll(0.02)
        new = reading.records[taken:]
        seen.update(record.value or b"" for record in new)
        with contextlib.suppress(LogUnavailable):
            reading.commit(*[each for each in newest(new) if each.partition in reading.held])

    with ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(work, lifetimes) for lifetimes in (1, 2, 3)]
        for number, value in enumerate(sorted(sent)):
            append(log, value, keys[number % PARTITIONS])
        wait_for(lambda: seen == sent or any(worker.done() for worker in workers))
        over.set()
        for worker in workers:
            worker.result(30.0)
    assert seen == sent


def newest(records: list[Record]) -> list[Record]:
    return list({record.partition: record for record in records}.values())


def throw_out(connection: KafkaConnectionSettings, group: str) -> None:
    """Take every member out of a group, as the broker does with silent
    ones.
    """
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        described = administrator.describe_groups([group])[group]
        members = [MemberToRemove(member_id=each["member_id"]) for each in described["members"]]
        assert members
        administrator.remove_group_members(group, members)


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    give_up_at = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at, f"waited for {seconds} s in vain"
        pause.wait(0.01)
