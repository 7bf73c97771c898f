from collections.abc import Mapping
from dataclasses import replace

import pytest

from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.ports.message_log import DeadLetter, Record
from angarium.services.dead_letters import (
    MAX_RECORD_BYTES,
    DeadLetters,
    NoSuchDeadLetter,
    NotReplayable,
)
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.faults import Faults


def letter(
    offset: int,
    key: bytes | None = b"key",
    value: bytes | None = b"value",
    headers: Mapping[str, bytes | None] | None = None,
) -> DeadLetter:
    record = Record(
        3,
        offset,
        1,
        key,
        value,
        {"trace_id": b"t1", "schema": b"1", "instance": b"api-2"} if headers is None else headers,
    )
    return DeadLetter("undecodable_event", "no JSON", record, "t1")


@pytest.fixture
def letters() -> MemoryDeadLetters:
    return MemoryDeadLetters()


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def test_a_replay_appends_the_same_key_value_and_headers(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    letters.append(letter(7))
    dead_letters = DeadLetters(letters, log)
    appended = dead_letters.replay(dead_letters.find(3, 7))
    (record,) = log.records()
    assert (record.partition, record.offset) == (appended.partition, appended.offset)
    assert (record.key, record.value) == (b"key", b"value")
    assert record.headers == {"trace_id": b"t1", "schema": b"1", "instance": b"api-2"}


def test_a_record_that_the_log_is_too_small_for_is_not_replayed_and_named(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    letters.append(letter(7))
    faults = Faults(LogUnavailable)
    faults.fail("append", error=RecordTooLarge("topic 'messages' takes no record of 70000 bytes"))
    dead_letters = DeadLetters(letters, faults.around(log))
    with pytest.raises(
        NotReplayable, match="3:7: topic 'messages' takes no record of 70000 bytes"
    ):
        dead_letters.replay(letter(7))
    dead_letters.replay(letter(7))


def test_a_replayed_dead_letter_stays_listed(letters: MemoryDeadLetters, log: MemoryLog) -> None:
    letters.append(letter(7))
    dead_letters = DeadLetters(letters, log)
    dead_letters.replay(dead_letters.find(3, 7))
    assert dead_letters.newest(10) == [letter(7)]


def test_a_position_that_was_put_away_twice_is_listed_once(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    for offset in (7, 8, 7):
        letters.append(letter(offset))
    found = DeadLetters(letters, log).newest(10)
    assert [each.record.offset for each in found] == [7, 8]


def test_records_that_failed_again_are_replayed_together_only_once(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    """Or each replay of all would double their number."""
    first, other = letter(7, headers={"schema": b"1", "odd": None}), letter(9, value=b"other")
    again = letter(12, headers={"schema": b"1"})
    cut = [letter(5, value=None), letter(6, value=None)]
    elsewhere = replace(first, record=replace(first.record, partition=4))
    for each in (*cut, first, other, again, elsewhere):
        letters.append(each)
    assert DeadLetters(letters, log).to_replay() == [*cut, first, other, elsewhere]


def test_a_position_without_a_dead_letter_is_told(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    letters.append(letter(7))
    with pytest.raises(NoSuchDeadLetter, match="3:8"):
        DeadLetters(letters, log).find(3, 8)


def test_a_header_without_a_value_is_left_out_of_a_replay(
    letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    DeadLetters(letters, log).replay(letter(7, headers={"trace_id": None, "schema": b"1"}))
    (record,) = log.records()
    assert record.headers == {"schema": b"1"}


@pytest.mark.parametrize(
    "broken",
    [
        letter(7, key=None),
        letter(7, value=None),
        letter(7, headers={"trace_id": b"\xff"}),
        letter(7, value=b"x" * MAX_RECORD_BYTES),
        letter(7, headers={"odd": b"x" * MAX_RECORD_BYTES}),
    ],
    ids=["no key", "no value", "no text", "a large value", "a large header"],
)
def test_what_the_log_cannot_take_as_it_is_is_told(
    broken: DeadLetter, letters: MemoryDeadLetters, log: MemoryLog
) -> None:
    with pytest.raises(NotReplayable, match="3:7"):
        DeadLetters(letters, log).replay(broken)
    assert log.records() == []
