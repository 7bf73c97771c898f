"""Reading a log beside its workers, without being one of them."""

from collections.abc import Callable
from uuid import uuid4

from angarium.ports.log_inspection import (
    MAX_BYTES_AT_ONCE,
    DeadLetterInspector,
    GroupMember,
    LogInspector,
    OffsetRange,
)
from angarium.ports.message_log import (
    DeadLetter,
    DeadLetterLog,
    MessageLog,
    Position,
    Record,
)
from tests.contract.ports.engine import PARTITIONS, Logs
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import (
    ANSWER_S,
    append,
    append_all,
    new_key,
)

OpenReading = Callable[[str], Reading]

EVERYTHING = 10_000


def read_to_end(log_inspector: LogInspector, partition: int, limit: int = 7) -> list[Record]:
    records: list[Record] = []
    while found := log_inspector.read(partition, records[-1].offset + 1 if records else 0, limit):
        assert len(found) <= limit
        records.extend(found)
    return records


def test_an_empty_log_holds_nothing(log_inspector: LogInspector) -> None:
    assert list(log_inspector.ranges()) == [OffsetRange(0, 0)] * PARTITIONS
    assert list(log_inspector.read(0, 0, EVERYTHING)) == []
    assert dict(log_inspector.committed()) == {}
    assert list(log_inspector.members()) == []


def test_the_ranges_grow_with_the_log(
    log: MessageLog, log_inspector: LogInspector, keys: dict[int, bytes]
) -> None:
    append_all(log, keys[1], [b"a", b"b", b"c"])
    assert log_inspector.ranges()[1] == OffsetRange(0, 3)
    append(log, "d", keys[1])
    append(log, "e", keys[2])
    assert list(log_inspector.ranges()) == [(0, 0), (0, 4), (0, 1), (0, 0)]


def test_records_are_read_as_workers_poll_them(
    log: MessageLog, log_inspector: LogInspector, read: OpenReading
) -> None:
    for number in range(20):
        append(log, f"«value {number}»", new_key())
    polled = read("others").until_all(20)
    found = [
        record
        for partition in range(PARTITIONS)
        for record in read_to_end(log_inspector, partition)
    ]
    assert found == sorted(polled, key=lambda record: (record.partition, record.offset))


def test_a_partition_is_read_on_from_any_offset(
    log: MessageLog, log_inspector: LogInspector, keys: dict[int, bytes]
) -> None:
    append_all(log, keys[0], [b"%d" % number for number in range(30)])
    append_all(log, keys[3], [b"other"])
    assert [each.value for each in log_inspector.read(0, 4, 3)] == [b"4", b"5", b"6"]
    assert [each.value for each in log_inspector.read(0, 7, 2)] == [b"7", b"8"]
    assert [each.value for each in log_inspector.read(3, 0, 9)] == [b"other"]
    assert [each.value for each in log_inspector.read(0, 9, 1)] == [b"9"]
    assert [each.value for each in log_inspector.read(0, 2, 1)] == [b"2"]
    assert len(read_to_end(log_inspector, 0)) == 30


def test_the_end_is_empty_until_more_is_appended(
    log: MessageLog, log_inspector: LogInspector, keys: dict[int, bytes]
) -> None:
    append(log, "first", keys[0])
    assert [each.value for each in log_inspector.read(0, 0, EVERYTHING)] == [b"first"]
    assert list(log_inspector.read(0, 1, EVERYTHING)) == []
    assert list(log_inspector.read(0, 77, EVERYTHING)) == []
    append(log, "second", keys[0])
    assert [each.value for each in log_inspector.read(0, 1, EVERYTHING)] == [b"second"]


def test_one_read_returns_a_bounded_number_of_bytes(
    log: MessageLog, log_inspector: LogInspector, keys: dict[int, bytes]
) -> None:
    append_all(log, keys[0], [bytes([number]) * 300_000 for number in range(9)])
    offset, seen = 0, 0
    while found := log_inspector.read(0, offset, EVERYTHING):
        assert sum(len(each.value or b"") for each in found) <= MAX_BYTES_AT_ONCE
        assert all(set(each.value or b"") == {each.offset} for each in found)
        offset, seen = found[-1].offset + 1, seen + len(found)
    assert seen == 9


def test_what_the_group_has_committed_is_seen_with_its_watermark(
    log: MessageLog,
    log_inspector: LogInspector,
    logs: Logs,
    group: str,
    read: OpenReading,
    keys: dict[int, bytes],
) -> None:
    append_all(log, keys[0], [b"a", b"b"])
    append(log, "c", keys[2])
    reading = read(group)
    records = {record.partition: record for record in reading.until_all(3)}
    reading.commit(records[0], watermark=1_700_000_000_123)
    assert dict(log_inspector.committed()) == {0: Position(2, 1_700_000_000_123)}
    reading.commit(records[2], watermark=-1)
    assert log_inspector.committed()[2] == Position(1, -1)
    assert dict(logs.open_inspector(f"other-{uuid4().hex[:8]}").committed()) == {}


def test_a_member_is_seen_by_its_name_until_it_leaves(
    log_inspector: LogInspector, logs: Logs, group: str
) -> None:
    with logs.open_member(group, "worker-1") as consumer:
        Reading(consumer).until_holding(PARTITIONS)
        assert list(log_inspector.members()) == [GroupMember("worker-1", tuple(range(PARTITIONS)))]
    assert list(log_inspector.members()) == []


def test_reading_takes_nothing_from_the_workers(
    log: MessageLog, log_inspector: LogInspector, logs: Logs, group: str, keys: dict[int, bytes]
) -> None:
    with logs.open_member(group, "worker-1") as consumer:
        reading = Reading(consumer)
        reading.until_holding(PARTITIONS)
        append_all(log, keys[0], [b"a", b"b"])
        assert len(read_to_end(log_inspector, 0)) == 2
        assert [each.value for each in reading.until_all(2)] == [b"a", b"b"]
        assert len(reading.held) == PARTITIONS
        assert reading.lost == []


def letter(offset: int, partition: int = 0, value: bytes = b"value") -> DeadLetter:
    record = Record(partition, offset, 1_700_000_000_000 + offset, b"key", value, {"reason": b"x"})
    return DeadLetter("key_mismatch", f"letter «{offset}»", record, "0" * 32)


def keep(dead_letters: DeadLetterLog, *letters: DeadLetter) -> None:
    for future in [dead_letters.append(each) for each in letters]:
        future.result(ANSWER_S)


def test_without_dead_letters_there_is_nothing_to_walk_over(
    dead_letter_inspector: DeadLetterInspector,
) -> None:
    assert list(dead_letter_inspector.walk()) == []
    assert dead_letter_inspector.count() == 0
    assert dead_letter_inspector.kept_since() == 0


def test_dead_letters_are_walked_over_oldest_first(
    dead_letters: DeadLetterLog, dead_letter_inspector: DeadLetterInspector
) -> None:
    keep(dead_letters, letter(7, 2), letter(3, 1), letter(7, 3))
    first, *others = dead_letter_inspector.walk()
    assert first == (2, 7, 1_700_000_000_007, "key_mismatch", "letter «7»")
    assert [(each.partition, each.offset) for each in others] == [(1, 3), (3, 7)]
    assert dead_letter_inspector.kept_since() == 0


def test_a_record_that_was_kept_twice_counts_once(
    dead_letters: DeadLetterLog, dead_letter_inspector: DeadLetterInspector
) -> None:
    keep(dead_letters, letter(1), letter(2))
    assert dead_letter_inspector.count() == 2
    keep(dead_letters, letter(1), letter(2, 1), letter(3))
    assert dead_letter_inspector.count() == 4
    walked = {(each.partition, each.offset) for each in dead_letter_inspector.walk()}
    assert walked == {(0, 1), (0, 2), (1, 2), (0, 3)}


def test_a_walk_ends_although_more_come(
    dead_letters: DeadLetterLog, dead_letter_inspector: DeadLetterInspector
) -> None:
    keep(dead_letters, *(letter(number) for number in range(1_200)))
    walked = 0
    for each in dead_letter_inspector.walk():
        if walked % 300 == 0:
            keep(dead_letters, letter(5_000 + walked))
        assert each.offset < 5_000
        walked += 1
    assert walked == 1_200
    assert dead_letter_inspector.count() == 1_204
