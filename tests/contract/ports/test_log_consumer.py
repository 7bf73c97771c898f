from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from angarium.ports.message_log import Assignment, LogConsumer, MessageLog, Position
from tests.contract.ports.engine import PARTITIONS, Logs
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import append, append_all, new_key
from tests.contract.ports.registry import LOGS

pytestmark = pytest.mark.parametrize("engine", LOGS, indirect=True)

OpenReading = Callable[[str], Reading]
OpenConsumer = Callable[[str], LogConsumer]


def started(reading: Reading) -> list[Position]:
    """Give by partition where a reading started."""
    positions = {each.partition: position for each, position in reading.started.items()}
    return [position for _, position in sorted(positions.items())]


def test_a_new_group_starts_at_the_beginning_of_every_partition(
    logs: Logs, read: OpenReading, group: str
) -> None:
    reading = read(group)
    held = reading.until_holding(PARTITIONS)
    assert set(held) == set(range(PARTITIONS))
    assert started(reading) == list(logs.starts)


def test_what_was_appended_before_the_group_existed_comes_too(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    append(log, "early", new_key())
    reading = read(group)
    reading.until_all(1)
    append(log, "late", new_key())
    reading.until_all(2)
    assert set(reading.values()) == {b"early", b"late"}


def test_a_poll_without_news_is_empty(read: OpenReading, group: str) -> None:
    reading = read(group)
    reading.until_holding(PARTITIONS)
    polled = reading.poll(0.01)
    assert (polled.lost, dict(polled.gained), dict(polled.records)) == ((), {}, {})


def test_a_poll_that_waits_ends_when_a_record_comes(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    reading = read(group)
    reading.until_holding(PARTITIONS)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(reading.poll, 60.0)
        append(log, "news", new_key())
        polled = waiting.result(50)
    assert [record.value for record in chain(*polled.records.values())] == [b"news"]


def test_a_record_comes_once_to_a_consumer_that_keeps_its_hold(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    for number in range(20):
        append(log, f"{number}", keys[number % len(keys)])
    reading = read(group)
    reading.until_all(20)
    assert not reading.poll().records
    assert len(reading.records) == 20


def test_what_was_not_committed_comes_again(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    key = new_key()
    for number in range(6):
        append(log, f"{number}", key)
    first = read(group)
    records = first.until_all(6)
    first.commit(records[2])
    first.consumer.close()
    second = read(group)
    second.until_all(3)
    assert second.values() == [b"3", b"4", b"5"]


def test_without_a_commit_everything_comes_again(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    append(log, "v", new_key())
    first = read(group)
    first.until_all(1)
    first.consumer.close()
    assert read(group).until_all(1)[0].value == b"v"


def test_the_watermark_travels_with_the_commit(
    logs: Logs, log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    for key in keys.values():
        append(log, "v", key)
    first = read(group)
    records = first.until_all(len(keys))
    for record in records[1:]:
        first.commit(record, watermark=1_700_000_000_000 + record.partition)
    first.consumer.close()
    second = read(group)
    second.until_holding(PARTITIONS)
    untouched = records[0].partition
    for assignment, position in second.started.items():
        expected = (
            logs.starts[untouched]
            if assignment.partition == untouched
            else Position(position.offset, 1_700_000_000_000 + assignment.partition)
        )
        assert position == expected
    assert second.until_all(1)[0].partition == untouched


def test_a_commit_covers_several_partitions_at_once(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    for key in keys.values():
        append(log, "v", key)
    first = read(group)
    first.commit(*first.until_all(len(keys)), watermark=7)
    first.consumer.close()
    second = read(group)
    second.until_holding(PARTITIONS)
    assert {position.watermark for position in second.started.values()} == {7}
    assert not second.poll().records


def test_the_last_of_several_commits_counts(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    key = new_key()
    for number in range(4):
        append(log, f"{number}", key)
    first = read(group)
    for number, record in enumerate(first.until_all(4)[:3]):
        first.commit(record, watermark=number)
    first.consumer.close()
    second = read(group)
    assert [record.value for record in second.until_all(1)] == [b"3"]
    assert second.started[second.held[second.records[0].partition]].watermark == 2


def test_a_commit_that_goes_back_changes_nothing(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    key = new_key()
    for number in range(3):
        append(log, f"{number}", key)
    first = read(group)
    records = first.until_all(3)
    first.commit(records[1], watermark=20)
    first.commit(records[0], watermark=10)
    first.consumer.close()
    second = read(group)
    assert second.until_all(1)[0].value == b"2"
    assert second.started[second.held[records[0].partition]] == Position(records[1].offset + 1, 20)


def test_a_commit_of_an_assignment_that_is_over_is_passed_over(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    append(log, "v", new_key())
    reading = read(group)
    (record,) = reading.until_all(1)
    held = reading.held[record.partition]
    old = Assignment(held.partition, held.token - 1_000_000)
    reading.consumer.commit({old: Position(record.offset + 1, 5)})
    reading.poll()
    assert reading.lost == []
    reading.consumer.close()
    assert read(group).until_all(1)[0].value == b"v"


def test_groups_do_not_disturb_each_other(
    logs: Logs, log: MessageLog, read: OpenReading, group: str
) -> None:
    append(log, "v", new_key())
    for each in (group, group + "-other"):
        reading = read(each)
        reading.commit(*reading.until_all(1), watermark=1)
        reading.consumer.close()
    third = read(group + "-third")
    assert third.until_all(1)[0].value == b"v"
    assert started(third) == list(logs.starts)


def test_each_hold_of_a_group_has_a_token_of_its_own(read: OpenReading, group: str) -> None:
    reading = read(group)
    reading.until_holding(PARTITIONS)
    assert len({assignment.token for assignment in reading.held.values()}) == PARTITIONS


def test_while_paused_no_records_come_and_afterwards_none_is_missing(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    append(log, "before", keys[0])
    reading = read(group)
    reading.until_all(1)
    reading.consumer.pause()
    for partition, key in keys.items():
        append(log, f"meanwhile {partition}", key)
    for _ in range(3):
        assert not reading.poll(0.02).records
    reading.consumer.resume()
    reading.until_all(1 + len(keys))
    assert sorted(value or b"" for value in reading.values()) == sorted(
        [b"before", *(b"meanwhile %d" % partition for partition in keys)]
    )


def test_a_consumer_paused_before_its_first_poll_gains_partitions_but_no_records(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    append(log, "v", new_key())
    reading = read(group)
    reading.consumer.pause()
    reading.until_holding(PARTITIONS)
    assert not reading.poll().records
    reading.consumer.resume()
    assert reading.until_all(1)[0].value == b"v"


def test_a_paused_consumer_commits(log: MessageLog, read: OpenReading, group: str) -> None:
    append(log, "v", new_key())
    first = read(group)
    records = first.until_all(1)
    first.consumer.pause()
    first.commit(*records, watermark=3)
    first.consumer.close()
    second = read(group)
    append(log, "w", new_key())
    assert [record.value for record in second.until_all(1)] == [b"w"]


def test_pausing_and_resuming_may_be_repeated(
    log: MessageLog, read: OpenReading, group: str
) -> None:
    reading = read(group)
    for _ in range(2):
        reading.consumer.pause()
    for _ in range(2):
        reading.consumer.resume()
    append(log, "v", new_key())
    assert len(reading.until_all(1)) == 1


def test_a_consumer_closes_quietly_however_often(open_consumer: OpenConsumer, group: str) -> None:
    never_polled = open_consumer(group)
    never_polled.close()
    never_polled.close()
    polled = open_consumer(group)
    polled.poll(0.01)
    polled.close()
    polled.close()


def test_many_records_come_in_order_over_many_polls(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    for partition in (0, 1):
        append_all(log, keys[partition], [b"%d" % number for number in range(partition, 1_200, 2)])
    reading = read(group)
    records = reading.until_all(1_200)
    for partition in (0, 1):
        numbers = [int(record.value or b"") for record in records if record.partition == partition]
        assert numbers == list(range(partition, 1_200, 2))
