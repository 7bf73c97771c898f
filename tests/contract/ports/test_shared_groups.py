"""Several consumers of one group, on engines that share
partitions out.
"""

from collections.abc import Callable

import pytest

from angarium.ports.message_log import MessageLog, Position
from tests.contract.ports.engine import PARTITIONS
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import append
from tests.contract.ports.registry import SHARING_GROUPS

OpenReading = Callable[[str], Reading]


pytestmark = pytest.mark.parametrize("engine", SHARING_GROUPS, indirect=True)


def settle(*readings: Reading) -> None:
    """Poll all until each partition is held once and everybody holds
    some.
    """

    def settled() -> bool:
        held = [partition for reading in readings for partition in reading.held]
        return sorted(held) == list(range(PARTITIONS)) and all(
            reading.held for reading in readings
        )

    def poll_all() -> bool:
        for reading in readings:
            reading.poll()
        return settled()

    readings[0].until(poll_all)


def test_two_consumers_share_the_partitions(read: OpenReading, group: str) -> None:
    first, second = read(group), read(group)
    first.until_holding(PARTITIONS)
    settle(first, second)
    assert not set(first.held) & set(second.held)
    assert first.lost


def test_each_record_comes_to_the_one_that_holds_its_partition(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    first, second = read(group), read(group)
    settle(first, second)
    for partition, key in keys.items():
        append(log, f"{partition}", key)

    def all_there() -> bool:
        second.poll()
        return len(first.records) + len(second.records) >= len(keys)

    first.until(all_there)
    for reading in (first, second):
        assert {record.partition for record in reading.records} <= set(reading.held)
    assert sorted(first.values() + second.values(), key=str) == [
        b"%d" % partition for partition in sorted(keys)
    ]


def test_when_one_leaves_another_goes_on_behind_what_was_committed(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    first = read(group)
    for key in keys.values():
        append(log, "committed", key)
    first.commit(*first.until_all(len(keys)), watermark=9)
    for key in keys.values():
        append(log, "not committed", key)
    first.until_all(2 * len(keys))
    first.consumer.close()
    second = read(group)
    second.until_all(len(keys))
    assert set(second.values()) == {b"not committed"}
    assert {position.watermark for position in second.started.values()} == {9}


def test_work_under_a_lost_assignment_cannot_be_committed(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    for key in keys.values():
        append(log, "v", key)
    first, second = read(group), read(group)
    first.until_all(len(keys))
    settle(first, second)
    lost = first.lost[0]
    record = next(each for each in first.records if each.partition == lost.partition)
    first.consumer.commit({lost: Position(record.offset + 1, 99)})
    second.until(lambda: bool(second.records))
    assert second.started[second.held[lost.partition]].watermark == -1
    assert lost.partition in {each.partition for each in second.records}


def test_what_moved_away_and_came_back_has_a_new_token(read: OpenReading, group: str) -> None:
    first, second = read(group), read(group)
    first.until_holding(PARTITIONS)
    settle(first, second)
    second.consumer.close()
    first.until_holding(PARTITIONS)
    assert {each.partition for each in first.lost} <= set(first.held)
    assert not set(first.lost) & set(first.held.values())


def test_a_partition_gained_while_paused_stays_silent_until_the_flow_resumes(
    log: MessageLog, read: OpenReading, group: str, keys: dict[int, bytes]
) -> None:
    first, second = read(group), read(group)
    settle(first, second)
    first.consumer.pause()
    second.consumer.close()
    for key in keys.values():
        append(log, "v", key)
    first.until_holding(PARTITIONS)
    assert not first.poll().records
    first.consumer.resume()
    assert len(first.until_all(len(keys))) == len(keys)
