from dataclasses import replace

import pytest

from angarium.domain.events import Event
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import MessagePosition, Status
from angarium.ports.message_log import Position
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.recorders import HeldRecorder, Watched
from tests.unit.router.rig import AT_ONCE, Rig
from tests.unit.services.log_lines import LogLines

ALICE_CAROL = conversation_id_for(ALICE, CAROL)


def turns(worker: Worker, count: int = 4) -> None:
    for _ in range(count):
        assert worker.step() == 0


def test_a_message_is_stored_in_its_place_with_its_text(rig: Rig, clock: ManualClock) -> None:
    event = message("hello")
    appended = rig.put(event)
    rig.run(rig.worker())
    (stored,) = rig.history()
    assert stored.message_id == event.message_id
    assert stored.content == "hello"
    assert (stored.sender_id, stored.recipient_id) == (ALICE, BOB)
    assert stored.position == MessagePosition(clock.now_ms(), appended.offset)
    assert stored.delivered_at is None


def test_a_message_to_someone_who_is_offline_is_pending_and_to_someone_online_sent(
    rig: Rig, clock: ManualClock
) -> None:
    rig.presence.touch(BOB, clock.now_ms())
    rig.put(message("to bob"))
    rig.put(message("to alice", BOB, ALICE))
    rig.run(rig.worker())
    assert [(each.content, each.status) for each in rig.history()] == [
        ("to bob", Status.SENT),
        ("to alice", Status.PENDING),
    ]


def test_a_receipt_raises_its_message_to_delivered_at_the_receipts_time(
    rig: Rig, clock: ManualClock
) -> None:
    event = message()
    rig.put(event)
    clock.advance(3)
    rig.put(receipt([event.message_id]))
    rig.run(rig.worker())
    (stored,) = rig.history()
    assert stored.status is Status.DELIVERED
    assert stored.delivered_at == clock.now_ms() == stored.position.timestamp + 3000


def test_messages_of_a_conversation_keep_the_order_of_the_log(rig: Rig) -> None:
    for number in range(150):
        rig.put(message(str(number), *((ALICE, BOB) if number % 3 else (BOB, ALICE))))
    rig.run(rig.worker())
    assert rig.texts() == [str(number) for number in range(150)]


def test_a_retry_with_the_same_id_is_one_message(rig: Rig, lines: LogLines) -> None:
    once = message_id_of("once")
    rig.put(message("first", message_id=once))
    rig.put(message("second", message_id=once))
    rig.run(rig.worker())
    assert rig.texts() == ["first"]
    assert [line["message_id"] for line in lines.of("message_stored")] == [once]
    assert [line["offset"] for line in lines.of("message_duplicate")] == [1]


def test_time_never_steps_back_though_the_logs_clock_does(rig: Rig) -> None:
    for text, at in [("a", 1000), ("b", 5000), ("c", 2000), ("d", 5000), ("e", 6000)]:
        rig.put(message(text), at)
    rig.run(rig.worker())
    assert [each.position for each in rig.history()] == [
        MessagePosition(1000, 0),
        MessagePosition(5000, 1),
        MessagePosition(5000, 2),
        MessagePosition(5000, 3),
        MessagePosition(6000, 4),
    ]
    assert rig.position() == Position(5, 6000)


def test_a_record_that_nobody_can_read_counts_for_the_time_of_those_behind_it(rig: Rig) -> None:
    rig.log.append_raw(0, b"k", b"poison", {}, 9000)
    rig.put(message(), 1000)
    rig.run(rig.worker())
    assert [each.position.timestamp for each in rig.history()] == [9000]
    assert rig.position() == Position(2, 9000)


def test_the_watermark_goes_on_after_a_restart(rig: Rig) -> None:
    rig.put(message("a"), 5000)
    first = rig.worker()
    rig.run(first)
    first.stop()
    rig.put(message("b"), 1000)
    rig.run(rig.worker())
    assert [each.position for each in rig.history()] == [
        MessagePosition(5000, 0),
        MessagePosition(5000, 1),
    ]


def test_only_the_contiguous_durable_prefix_is_committed(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("slow"), 7000)
    rig.put(message("fast", ALICE, CAROL), 8000)
    turns(worker)
    recorder.answer(ALICE_CAROL)
    turns(worker)
    assert rig.texts(ALICE_CAROL) == ["fast"]
    assert rig.position() == Position(0, -1)
    recorder.answer(ALICE_BOB)
    turns(worker)
    assert rig.position() == Position(2, 8000)


def test_a_slow_conversation_holds_up_no_other(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("slow"))
    for text in "abcde":
        rig.put(message(text, ALICE, CAROL))
        turns(worker)
        recorder.answer(ALICE_CAROL)
    assert rig.texts(ALICE_CAROL) == list("abcde")
    assert rig.texts() == []


def test_a_conversation_is_never_in_two_calls_and_goes_on_in_the_turn_its_call_ended(
    rig: Rig,
) -> None:
    recorder = HeldRecorder(rig.messages)
    watched = Watched(recorder)
    worker = rig.worker(watched)
    for text in "abcd":
        rig.put(message(text))
        turns(worker)
    assert watched.calls == [["a"]]
    recorder.answer()
    worker.step()
    assert watched.calls == [["a"], ["b", "c", "d"]]
    recorder.answer()
    rig.run(worker)
    assert rig.texts() == list("abcd")


def test_messages_and_receipts_of_a_poll_go_in_runs_that_are_never_reordered(rig: Rig) -> None:
    watched = Watched(rig.messages)
    ids = [message_id_of(each) for each in range(4)]
    rig.put(message("0", message_id=ids[0]))
    rig.put(message("1", message_id=ids[1]))
    rig.put(receipt([ids[0]]))
    rig.put(receipt([ids[1]]))
    rig.put(message("2", message_id=ids[2]))
    rig.run(rig.worker(watched))
    assert watched.calls == [["0", "1"], [ids[0], ids[1]], ["2"]]


def test_who_is_online_is_asked_once_for_all_that_starts_together(rig: Rig) -> None:
    for number in range(10):
        rig.put(message(str(number)))
        rig.put(message(str(number), ALICE, CAROL))
    rig.run(rig.worker())
    assert rig.store_faults.calls["last_seen"] == 1


def test_each_message_has_exactly_one_line_that_says_it_is_stored(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    event = message("secret text")
    rig.put(event)
    clock.advance(0.25)
    rig.run(rig.worker())
    assert lines.of("message_stored") == [
        {
            "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "conversation_id": ALICE_BOB,
            "message_id": event.message_id,
            "partition": 0,
            "offset": 0,
            "status": "PENDING",
            "duration_ms": 250,
        }
    ]
    assert "secret text" not in lines.text()


def test_a_delivery_has_a_line_with_its_ids(rig: Rig, lines: LogLines) -> None:
    event = message()
    rig.put(event)
    rig.put(receipt([event.message_id]))
    rig.run(rig.worker())
    (line,) = lines.of("messages_delivered")
    assert line["message_ids"] == [str(event.message_id)]
    assert (line["user_id"], line["offset"]) == (BOB, 1)


def test_a_replay_from_the_beginning_changes_nothing_and_says_so_quietly(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    event = message("a")
    again = message("again", message_id=event.message_id)
    events: list[Event] = [event, message("b"), receipt([event.message_id]), again]
    for each in events:
        rig.put(each)
    rig.run(rig.worker())
    before = rig.history()
    clock.advance(100)
    rig.presence.touch(BOB, clock.now_ms())
    rig.forget_positions()
    rig.run(rig.worker())
    assert rig.history() == before
    assert len(lines.of("message_stored")) == 2
    assert len(lines.of("message_replayed")) == 2


def test_the_flow_pauses_above_the_bound_and_goes_on_below_its_half(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    watched = Watched(recorder)
    worker = rig.worker(watched, replace(AT_ONCE, max_unfinished_records=4))
    rig.put(message("a", ALICE, CAROL))
    for text in "bcd":
        rig.put(message(text))
    turns(worker)
    rig.put(message("e"))
    turns(worker)
    assert rig.log_faults.calls["pause"] == 1
    assert watched.calls == [["a"], ["b", "c", "d"]]
    recorder.answer(ALICE_CAROL)
    turns(worker)
    assert rig.position().offset == 1
    assert rig.log_faults.calls["resume"] == 0
    recorder.answer()
    turns(worker)
    assert rig.log_faults.calls["resume"] == 1
    assert watched.calls[2:] == [["e"]]


def test_the_flow_pauses_above_the_bound_of_bytes_and_goes_on_below_its_half(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    watched = Watched(recorder)
    worker = rig.worker(watched, replace(AT_ONCE, max_unfinished_bytes=20_000))
    large = "x" * 5_000
    rig.put(message(large, ALICE, CAROL))
    for _ in range(3):
        rig.put(message(large))
    turns(worker)
    rig.put(message("behind"))
    turns(worker)
    assert rig.log_faults.calls["pause"] == 1
    assert watched.calls == [[large], [large] * 3]
    recorder.answer(ALICE_CAROL)
    turns(worker)
    assert rig.log_faults.calls["resume"] == 0
    recorder.answer()
    turns(worker)
    assert rig.log_faults.calls["resume"] == 1
    assert watched.calls[2:] == [["behind"]]


def test_commits_are_no_more_frequent_than_their_pace(rig: Rig, clock: ManualClock) -> None:
    worker = rig.worker(limits=replace(AT_ONCE, commit_interval_s=0.1))
    for number in range(5):
        rig.put(message(str(number)))
        for _ in range(3):
            worker.step()
    assert rig.log_faults.calls["commit"] == 1
    clock.advance(0.1)
    worker.step()
    assert rig.log_faults.calls["commit"] == 2
    assert rig.all_committed()


@pytest.mark.parametrize("partitions", [1, 3])
def test_all_partitions_are_worked_through(clock: ManualClock, partitions: int) -> None:
    rig = Rig(clock, partitions)
    people = [user_id_for(f"user-{number}") for number in range(10)]
    for number in range(30):
        rig.put(message(str(number), ALICE, people[number % len(people)]))
    assert all(rig.log.read(partition, 0, 1) for partition in range(partitions))
    rig.run(rig.worker())
    for position, other in enumerate(people):
        texts = rig.texts(conversation_id_for(ALICE, other))
        assert texts == [str(number) for number in range(position, 30, len(people))]
