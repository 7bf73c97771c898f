from dataclasses import replace

import pytest
from kafka.consumer.fetcher import ConsumerRecord

from angarium.engines.kafka import dead_letter_records
from angarium.engines.kafka.dead_letter_records import DeadLetterRecord
from angarium.ports.message_log import DeadLetter, Record

TOPIC = "messages"
MAX_COUNT = 10_000
SMALL = Record(3, 17, 5, b"key", b"value", {"schema": b"1"})


def letter(record: Record) -> DeadLetter:
    return DeadLetter("undecodable_event", "no JSON", record, "t1")


def read_back(written: DeadLetterRecord) -> DeadLetter:
    found = dict.fromkeys(ConsumerRecord._fields)
    found |= {"key": written.key, "value": written.value, "headers": written.headers}
    read = dead_letter_records.decode(ConsumerRecord(**found))
    assert read is not None
    return read


@pytest.mark.parametrize(
    "record",
    [
        SMALL,
        replace(SMALL, headers={"a": None, "b": b"", "reason": b"theirs"}),
        Record(0, 0, -1, None, None, {}),
    ],
    ids=["well-formed", "headers without a value", "nothing"],
)
def test_what_fits_is_kept_whole(record: Record) -> None:
    written = dead_letter_records.encode(letter(record), TOPIC, MAX_COUNT)
    assert written.size <= MAX_COUNT
    assert read_back(written) == letter(record)


def test_what_does_not_fit_is_kept_without_its_value_and_says_so() -> None:
    record = replace(SMALL, value=b"v" * MAX_COUNT)
    written = dead_letter_records.encode(letter(record), TOPIC, MAX_COUNT)
    assert written.size <= MAX_COUNT
    kept = read_back(written)
    assert kept.record == replace(record, value=None)
    assert kept.detail == (
        "no JSON; too large to be kept complete: without its value (10000 bytes), which only its "
        "topic has"
    )
    assert (kept.reason, kept.trace_id) == ("undecodable_event", "t1")


@pytest.mark.parametrize(
    "record",
    [
        replace(SMALL, key=b"k" * MAX_COUNT),
        replace(SMALL, headers={"odd": b"h" * MAX_COUNT}),
        Record(3, 17, 5, None, None, {"n" * MAX_COUNT: None}),
        Record(3, 17, 5, b"k" * MAX_COUNT, b"v" * MAX_COUNT, {"odd": b"h" * MAX_COUNT}),
    ],
    ids=["key", "header", "name", "everything"],
)
def test_what_does_not_fit_even_so_is_kept_as_its_position_alone(record: Record) -> None:
    written = dead_letter_records.encode(letter(record), TOPIC, MAX_COUNT)
    assert written.size <= MAX_COUNT
    kept = read_back(written)
    assert kept.record == Record(3, 17, 5, None, None, {})
    assert "without its key, value and headers" in kept.detail


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("reason", b"theirs")],
        [(name, b"\xff") for name in dead_letter_records._OWN_HEADERS],
        [(name, None) for name in dead_letter_records._OWN_HEADERS],
        [(name, b"no number") for name in dead_letter_records._OWN_HEADERS],
    ],
    ids=["no headers", "others", "no text", "no values", "no numbers"],
)
def test_a_record_that_nobody_here_wrote_is_no_dead_letter(
    headers: list[tuple[str, bytes | None]],
) -> None:
    found = dict.fromkeys(ConsumerRecord._fields) | {"value": b"x", "headers": headers}
    assert dead_letter_records.decode(ConsumerRecord(**found)) is None
