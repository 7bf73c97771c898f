from uuid import uuid4

import pytest

from angarium.ports.message_log import DeadLetter, DeadLetterLog, Record
from tests.contract.ports.records import ANSWER_S

TRACE = uuid4().hex


def letter(offset: int, record: Record | None = None, partition: int = 0) -> DeadLetter:
    kept = record or Record(
        partition, offset, 1_700_000_000_000, b"key", b"value", {"schema": b"1"}
    )
    return DeadLetter("undecodable_event", f"letter {offset}", kept, TRACE)


def keep(log: DeadLetterLog, *letters: DeadLetter) -> None:
    for each in letters:
        log.append(each).result(ANSWER_S)


def test_a_log_without_dead_letters_is_empty(dead_letters: DeadLetterLog) -> None:
    assert list(dead_letters.read(10)) == []


@pytest.mark.parametrize(
    "record",
    [
        Record(
            3, 17, 1_700_000_000_123, b"key", b"value", {"schema": b"1", "trace_id": b"f" * 32}
        ),
        Record(0, 2**53, 0, None, None, {}),
        Record(1, 0, -1, b"", b"", {"": b"", "odd": b"\xff\x00\n"}),
        Record(2, 1, 5, bytes(range(256)), b"\xff\xfe{" * 20_000, {"größe": "größe".encode()}),
        Record(3, 18, 1, b"key", b"value", {"schema": None, "größe": None, "empty": b""}),
        Record(3, 19, 1, b"key", b"\xff" * 2_000_000, {"schema": b"1"}),
    ],
    ids=["well-formed", "nothing", "empty", "any bytes", "headers without a value", "large"],
)
def test_a_dead_letter_keeps_its_record_byte_for_byte(
    dead_letters: DeadLetterLog, record: Record
) -> None:
    kept = DeadLetter(
        "key_mismatch", "The key is another conversation's: «größer».", record, TRACE
    )
    keep(dead_letters, kept)
    assert list(dead_letters.read(10)) == [kept]


def test_the_newest_are_read_first_and_no_more_than_asked_for(dead_letters: DeadLetterLog) -> None:
    keep(dead_letters, *(letter(number) for number in range(5)))
    assert [each.detail for each in dead_letters.read(3)] == ["letter 4", "letter 3", "letter 2"]
    assert len(dead_letters.read(100)) == 5


def test_one_is_found_by_its_position_however_old_it_is(dead_letters: DeadLetterLog) -> None:
    keep(dead_letters, *(letter(number, partition=number % 2) for number in range(5)))
    assert dead_letters.find(0, 0) == letter(0, partition=0)
    assert dead_letters.find(1, 3) == letter(3, partition=1)
    assert dead_letters.find(1, 0) is None
    assert dead_letters.find(0, 2**80) is None


def test_records_of_several_partitions_are_kept_apart(dead_letters: DeadLetterLog) -> None:
    keep(dead_letters, letter(7, partition=0), letter(7, partition=1))
    assert [each.record.partition for each in dead_letters.read(10)] == [1, 0]


def test_keeping_one_again_is_safe(dead_letters: DeadLetterLog) -> None:
    keep(dead_letters, letter(1), letter(2), letter(1))
    kept = dead_letters.read(10)
    assert {each.record.offset for each in kept} == {1, 2}


def test_many_may_be_on_their_way_at_once(dead_letters: DeadLetterLog) -> None:
    for future in [dead_letters.append(letter(number)) for number in range(100)]:
        future.result(ANSWER_S)
    assert {each.record.offset for each in dead_letters.read(1_000)} == set(range(100))
