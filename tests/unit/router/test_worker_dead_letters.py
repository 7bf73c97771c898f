import json
from itertools import pairwise

import pytest

from angarium.domain.events import Event, decode, encode
from angarium.ports.message_log import Position
from angarium.services import record_validation
from angarium.services.dead_letters import DeadLetters
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.log_lines import LogLines

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        pytest.param(None, b"1", id="no value"),
        pytest.param(b"", b"1", id="an empty one"),
        pytest.param(b"\xff\xfe", b"1", id="not UTF-8"),
        pytest.param(b"[" * 100_000, b"1", id="too deep"),
        pytest.param(b"{}", b"1", id="no event"),
        pytest.param(encode(message()), b"2", id="a later schema"),
        pytest.param(encode(message()), b"\xff", id="an unreadable schema"),
    ],
)
def test_what_cannot_be_decoded_is_put_away_and_stops_nobody(
    harness: WorkerHarness, value: bytes | None, schema: bytes
) -> None:
    assert_put_away(harness, value, {"trace_id": b"abc", "schema": schema})


@pytest.mark.parametrize(
    "headers", [{}, {"schema": None}], ids=["no schema", "a schema without a value"]
)
def test_an_event_without_a_schema_is_put_away_and_stops_nobody(
    harness: WorkerHarness, headers: dict[str, bytes | None]
) -> None:
    assert_put_away(harness, encode(message()), {"trace_id": b"abc", **headers})


def assert_put_away(
    harness: WorkerHarness, value: bytes | None, headers: dict[str, bytes | None]
) -> None:
    harness.log.append_raw(0, str(ALICE_BOB).encode(), value, headers)
    harness.put(message("valid"))
    harness.run(harness.worker())
    (letter,) = harness.dead_letters.read(10)
    assert letter.reason == "undecodable_event"
    assert letter.detail
    assert letter.record == harness.log.records()[0]
    assert letter.trace_id == "abc"
    assert harness.texts() == ["valid"]


@pytest.mark.parametrize("key", [None, b"", b"another", str(ALICE_BOB).upper().encode()])
def test_a_key_that_is_not_the_conversation_is_put_away(
    harness: WorkerHarness, key: bytes | None
) -> None:
    harness.put_raw(encode(message()), key)
    harness.put(message("valid"))
    harness.run(harness.worker())
    assert harness.reasons() == ["key_mismatch"]
    assert harness.texts() == ["valid"]


def test_a_record_in_another_partition_than_its_keys_is_put_away_and_a_replay_puts_it_right(
    clock: ManualClock,
) -> None:
    harness = WorkerHarness(clock, partitions=2)
    harness.put(message("first"), at=2000)
    harness.put(message("astray"), at=1000, partition=1)
    worker = harness.worker()
    harness.run(worker)
    (letter,) = harness.dead_letters.read(10)
    assert letter.reason == "wrong_partition"
    assert "partition 0 of 2" in letter.detail
    assert harness.texts() == ["first"]
    DeadLetters(harness.dead_letters, harness.log).replay(letter)
    harness.run(worker)
    assert harness.texts() == ["first", "astray"]


def test_a_record_without_a_trace_is_named_by_its_position(harness: WorkerHarness) -> None:
    harness.log.append_raw(0, None, None, {})
    harness.log.append_raw(0, None, None, {"trace_id": b""})
    harness.log.append_raw(0, None, None, {"trace_id": None})
    harness.run(harness.worker())
    assert [letter.trace_id for letter in reversed(harness.dead_letters.read(10))] == [
        "0:0",
        "0:1",
        "0:2",
    ]


def test_a_trace_id_from_outside_is_bounded_and_always_text(harness: WorkerHarness) -> None:
    harness.log.append_raw(0, None, None, {"trace_id": b"\xff" + b"x" * 10_000})
    harness.run(harness.worker())
    assert harness.dead_letters.read(1)[0].trace_id == "\ufffd" + "x" * 63


def test_what_the_log_could_not_decode_is_put_away_with_its_reason_and_stops_nobody(
    harness: WorkerHarness,
) -> None:
    whole = message("whole, but for the name of a header")
    harness.put(message("before"))
    harness.log.append_raw(
        0, str(ALICE_BOB).encode(), encode(whole), {"schema": b"1"}, problem="it cannot be decoded"
    )
    harness.put(message("behind"))
    harness.run(harness.worker())
    (letter,) = harness.dead_letters.read(10)
    assert (letter.reason, letter.detail) == ("undecodable_event", "it cannot be decoded")
    assert (letter.record.value, letter.trace_id) == (encode(whole), "0:1")
    assert harness.texts() == ["before", "behind"]


def test_whatever_reading_a_record_raises_puts_that_one_away(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(value: bytes, schema: str) -> Event:
        if b"strange" in value:
            raise KeyError(value)
        return decode(value, schema)

    monkeypatch.setattr(record_validation, "decode", faulty)
    harness.put(message("strange"))
    harness.put(message("valid"))
    harness.run(harness.worker())
    (letter,) = harness.dead_letters.read(10)
    assert letter.reason == "internal_error"
    assert "KeyError" in letter.detail
    assert "strange" not in letter.detail
    assert harness.texts() == ["valid"]


def test_the_same_id_from_the_other_participant_is_put_away_without_its_text(
    harness: WorkerHarness, lines: LogLines
) -> None:
    same = message_id_of("same")
    harness.put(message("mine", message_id=same))
    harness.put(message("not mine", BOB, ALICE, same))
    harness.run(harness.worker())
    (letter,) = harness.dead_letters.read(10)
    assert letter.reason == "message_id_conflict"
    assert str(same) in letter.detail
    assert harness.texts() == ["mine"]
    assert len(lines.of("message_stored")) == 1
    assert "not mine" not in lines.text()


def test_a_receipt_for_what_is_not_there_is_put_away_and_the_others_in_it_count(
    harness: WorkerHarness,
) -> None:
    event, missing = message(), message_id_of("missing")
    harness.put(event)
    harness.put(receipt([missing, event.message_id]))
    harness.run(harness.worker())
    (letter,) = harness.dead_letters.read(10)
    assert letter.reason == "unknown_message"
    assert str(missing) in letter.detail
    assert str(event.message_id) not in letter.detail
    assert [each.status for each in harness.history()] == ["DELIVERED"]


def test_a_receipt_of_the_sender_is_put_away_and_changes_nothing(harness: WorkerHarness) -> None:
    event = message(sender=ALICE, recipient=BOB)
    harness.put(event)
    harness.put(receipt([message_id_of("missing"), event.message_id], ALICE, BOB))
    harness.run(harness.worker())
    assert harness.reasons() == ["not_recipient"]
    assert [each.status for each in harness.history()] == ["PENDING"]


def test_a_dead_letter_is_told_with_its_reason_position_and_trace_and_without_the_content(
    harness: WorkerHarness, lines: LogLines
) -> None:
    document = json.loads(encode(message("secret text")))
    document["payload"]["sender_id"] = "secret sender"
    harness.put_raw(json.dumps(document).encode())
    harness.run(harness.worker())
    assert lines.of("dead_lettered") == [
        {"reason": "undecodable_event", "trace_id": TRACE_ID, "partition": 0, "offset": 0}
    ]
    assert "secret" not in lines.text()


def told_ids(lines: LogLines) -> list[tuple[object, object, object]]:
    return [
        (line["reason"], line.get("conversation_id"), line.get("message_id"))
        for line in lines.of("dead_lettered")
    ]


def test_a_dead_letter_is_told_with_the_ids_of_its_event(
    harness: WorkerHarness, lines: LogLines
) -> None:
    same, missing = message_id_of("same"), message_id_of("missing")
    mine, theirs = message("mine", message_id=same), message("theirs", BOB, ALICE, same)
    harness.put(mine)
    harness.put(theirs)
    harness.put(receipt([same, missing]))
    harness.put(receipt([missing, same], ALICE, BOB))
    elsewhere = message("elsewhere")
    harness.put_raw(encode(elsewhere), b"another key")
    harness.put_raw(encode(receipt([missing, same])), b"another key")
    harness.run(harness.worker())
    assert sorted(told_ids(lines), key=str) == sorted(
        [
            ("message_id_conflict", ALICE_BOB, same),
            ("unknown_message", ALICE_BOB, missing),
            ("not_recipient", ALICE_BOB, same),
            ("key_mismatch", ALICE_BOB, elsewhere.message_id),
            ("key_mismatch", ALICE_BOB, missing),
        ],
        key=str,
    )


def test_a_dead_letter_that_is_tried_again_is_told_with_the_ids_of_its_event(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.dead_letter_faults.fail("append", times=1)
    event = message()
    harness.put_raw(encode(event), b"another key")
    worker = harness.worker()
    while not lines.of("dead_lettered"):
        worker.step()
        clock.advance(1)
    (line,) = lines.of("retry")
    assert (line["conversation_id"], line["message_id"]) == (ALICE_BOB, event.message_id)


def test_an_offset_is_not_committed_before_its_dead_letter_is_durable(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    held = harness.dead_letter_faults.hang("append")
    harness.put_raw(b"poison")
    harness.put(message("valid"))
    worker = harness.worker()
    for _ in range(5):
        worker.step()
    assert harness.texts() == ["valid"]
    assert harness.position() == Position(0, -1)
    held.release()
    harness.run(worker)
    assert harness.position() == Position(2, clock.now_ms())


@pytest.mark.parametrize("at_once", [True, False])
def test_a_dead_letter_is_tried_for_ever_with_growing_waits_and_holds_up_nobody(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines, at_once: bool
) -> None:
    harness.dead_letter_faults.fail("append", times=8, at_once=at_once)
    harness.put_raw(b"poison")
    worker = harness.worker()
    tried_at = []
    for number in range(200):
        harness.put(message(str(number)))
        before = harness.dead_letter_faults.calls["append"]
        worker.step()
        if harness.dead_letter_faults.calls["append"] > before:
            tried_at.append(clock.monotonic())
        clock.advance(0.05)
    harness.run(worker)
    waits = [later - sooner for sooner, later in pairwise(tried_at)]
    assert len(tried_at) == 9
    assert waits == sorted(waits)
    assert 3.0 <= waits[-1] <= 3.1
    assert harness.reasons() == ["undecodable_event"]
    assert len(harness.texts()) == 200
    assert len(lines.of("dead_letters_unavailable")) == 1
    assert [line["trace_id"] for line in lines.of("retry")] == [TRACE_ID] * 8


def test_a_conflict_is_put_away_again_by_a_replay_and_nothing_else_changes(
    harness: WorkerHarness,
) -> None:
    same = message_id_of("same")
    harness.put(message("mine", message_id=same))
    harness.put(message("not mine", BOB, ALICE, same))
    harness.put(receipt([message_id_of("missing")], CAROL, ALICE))
    harness.run(harness.worker())
    before = harness.history()
    harness.forget_positions()
    harness.run(harness.worker())
    assert harness.history() == before
    assert sorted(harness.reasons()) == ["message_id_conflict"] * 2 + ["unknown_message"] * 2
