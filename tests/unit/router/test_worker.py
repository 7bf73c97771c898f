from dataclasses import replace

import pytest

from angarium.domain.events import Event
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import MessagePosition, Status
from angarium.ports.message_log import Position
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import AT_ONCE, WorkerHarness
from tests.unit.router.message_writers import HeldMessageWriter, Watched
from tests.unit.services.log_lines import LogLines

ALICE_CAROL = conversation_id_for(ALICE, CAROL)


def turns(worker: Worker, count: int = 4) -> None:
    for _ in range(count):
        assert worker.step() == 0


def test_a_message_is_stored_in_its_place_with_its_text(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    event = message("hello")
    appended = harness.put(event)
    harness.run(harness.worker())
    (stored,) = harness.history()
    assert stored.message_id == event.message_id
    assert stored.content == "hello"
    assert (stored.sender_id, stored.recipient_id) == (ALICE, BOB)
    assert stored.position == MessagePosition(clock.now_ms(), appended.offset)
    assert stored.delivered_at is None


def test_a_message_to_someone_who_is_offline_is_pending_and_to_someone_online_sent(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.presence.touch(BOB, clock.now_ms())
    harness.put(message("to bob"))
    harness.put(message("to alice", BOB, ALICE))
    harness.run(harness.worker())
    assert [(each.content, each.status) for each in harness.history()] == [
        ("to bob", Status.SENT),
        ("to alice", Status.PENDING),
    ]


def test_a_receipt_raises_its_message_to_delivered_at_the_receipts_time(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    event = message()
    harness.put(event)
    clock.advance(3)
    harness.put(receipt([event.message_id]))
    harness.run(harness.worker())
    (stored,) = harness.history()
    assert stored.status is Status.DELIVERED
    assert stored.delivered_at == clock.now_ms() == stored.position.timestamp + 3000


def test_messages_of_a_conversation_keep_the_order_of_the_log(harness: WorkerHarness) -> None:
    for number in range(150):
        harness.put(message(str(number), *((ALICE, BOB) if number % 3 else (BOB, ALICE))))
    harness.run(harness.worker())
    assert harness.texts() == [str(number) for number in range(150)]


def test_a_retry_with_the_same_id_is_one_message(harness: WorkerHarness, lines: LogLines) -> None:
    once = message_id_of("once")
    harness.put(message("first", message_id=once))
    harness.put(message("second", message_id=once))
    harness.run(harness.worker())
    assert harness.texts() == ["first"]
    assert [line["message_id"] for line in lines.of("message_stored")] == [once]
    assert [line["offset"] for line in lines.of("message_duplicate")] == [1]


def test_time_never_steps_back_though_the_logs_clock_does(harness: WorkerHarness) -> None:
    for text, at in [("a", 1000), ("b", 5000), ("c", 2000), ("d", 5000), ("e", 6000)]:
        harness.put(message(text), at)
    harness.run(harness.worker())
    assert [each.position for each in harness.history()] == [
        MessagePosition(1000, 0),
        MessagePosition(5000, 1),
        MessagePosition(5000, 2),
        MessagePosition(5000, 3),
        MessagePosition(6000, 4),
    ]
    assert harness.position() == Position(5, 6000)


def test_a_record_that_nobody_can_read_counts_for_the_time_of_those_behind_it(
    harness: WorkerHarness,
) -> None:
    harness.log.append_raw(0, b"k", b"poison", {}, 9000)
    harness.put(message(), 1000)
    harness.run(harness.worker())
    assert [each.position.timestamp for each in harness.history()] == [9000]
    assert harness.position() == Position(2, 9000)


def test_the_watermark_goes_on_after_a_restart(harness: WorkerHarness) -> None:
    harness.put(message("a"), 5000)
    first = harness.worker()
    harness.run(first)
    first.stop()
    harness.put(message("b"), 1000)
    harness.run(harness.worker())
    assert [each.position for each in harness.history()] == [
        MessagePosition(5000, 0),
        MessagePosition(5000, 1),
    ]


def test_only_the_contiguous_durable_prefix_is_committed(harness: WorkerHarness) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("slow"), 7000)
    harness.put(message("fast", ALICE, CAROL), 8000)
    turns(worker)
    message_writer.answer(ALICE_CAROL)
    turns(worker)
    assert harness.texts(ALICE_CAROL) == ["fast"]
    assert harness.position() == Position(0, -1)
    message_writer.answer(ALICE_BOB)
    turns(worker)
    assert harness.position() == Position(2, 8000)


def test_a_slow_conversation_holds_up_no_other(harness: WorkerHarness) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("slow"))
    for text in "abcde":
        harness.put(message(text, ALICE, CAROL))
        turns(worker)
        message_writer.answer(ALICE_CAROL)
    assert harness.texts(ALICE_CAROL) == list("abcde")
    assert harness.texts() == []


def test_a_conversation_is_never_in_two_calls_and_goes_on_in_the_turn_its_call_ended(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    watched = Watched(message_writer)
    worker = harness.worker(watched)
    for text in "abcd":
        harness.put(message(text))
        turns(worker)
    assert watched.calls == [["a"]]
    message_writer.answer()
    worker.step()
    assert watched.calls == [["a"], ["b", "c", "d"]]
    message_writer.answer()
    harness.run(worker)
    assert harness.texts() == list("abcd")


def test_messages_and_receipts_of_a_poll_go_in_runs_that_are_never_reordered(
    harness: WorkerHarness,
) -> None:
    watched = Watched(harness.messages)
    ids = [message_id_of(each) for each in range(4)]
    harness.put(message("0", message_id=ids[0]))
    harness.put(message("1", message_id=ids[1]))
    harness.put(receipt([ids[0]]))
    harness.put(receipt([ids[1]]))
    harness.put(message("2", message_id=ids[2]))
    harness.run(harness.worker(watched))
    assert watched.calls == [["0", "1"], [ids[0], ids[1]], ["2"]]


def test_who_is_online_is_asked_once_for_all_that_starts_together(harness: WorkerHarness) -> None:
    for number in range(10):
        harness.put(message(str(number)))
        harness.put(message(str(number), ALICE, CAROL))
    harness.run(harness.worker())
    assert harness.store_faults.calls["last_seen"] == 1


def test_each_message_has_exactly_one_line_that_says_it_is_stored(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    event = message("secret text")
    harness.put(event)
    clock.advance(0.25)
    harness.run(harness.worker())
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


def test_a_delivery_has_a_line_with_its_ids(harness: WorkerHarness, lines: LogLines) -> None:
    event = message()
    harness.put(event)
    harness.put(receipt([event.message_id]))
    harness.run(harness.worker())
    (line,) = lines.of("messages_delivered")
    assert line["message_ids"] == [str(event.message_id)]
    assert (line["user_id"], line["offset"]) == (BOB, 1)


def test_a_replay_from_the_beginning_changes_nothing_and_says_so_quietly(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    event = message("a")
    again = message("again", message_id=event.message_id)
    events: list[Event] = [event, message("b"), receipt([event.message_id]), again]
    for each in events:
        harness.put(each)
    harness.run(harness.worker())
    before = harness.history()
    clock.advance(100)
    harness.presence.touch(BOB, clock.now_ms())
    harness.forget_positions()
    harness.run(harness.worker())
    assert harness.history() == before
    assert len(lines.of("message_stored")) == 2
    assert len(lines.of("message_replayed")) == 2


def test_the_flow_pauses_above_the_bound_and_goes_on_below_its_half(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    watched = Watched(message_writer)
    worker = harness.worker(watched, replace(AT_ONCE, max_unfinished_records=4))
    harness.put(message("a", ALICE, CAROL))
    for text in "bcd":
        harness.put(message(text))
    turns(worker)
    harness.put(message("e"))
    turns(worker)
    assert harness.log_faults.calls["pause"] == 1
    assert watched.calls == [["a"], ["b", "c", "d"]]
    message_writer.answer(ALICE_CAROL)
    turns(worker)
    assert harness.position().offset == 1
    assert harness.log_faults.calls["resume"] == 0
    message_writer.answer()
    turns(worker)
    assert harness.log_faults.calls["resume"] == 1
    assert watched.calls[2:] == [["e"]]


def test_the_flow_pauses_above_the_bound_of_bytes_and_goes_on_below_its_half(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    watched = Watched(message_writer)
    worker = harness.worker(watched, replace(AT_ONCE, max_unfinished_bytes=20_000))
    large = "x" * 5_000
    harness.put(message(large, ALICE, CAROL))
    for _ in range(3):
        harness.put(message(large))
    turns(worker)
    harness.put(message("behind"))
    turns(worker)
    assert harness.log_faults.calls["pause"] == 1
    assert watched.calls == [[large], [large] * 3]
    message_writer.answer(ALICE_CAROL)
    turns(worker)
    assert harness.log_faults.calls["resume"] == 0
    message_writer.answer()
    turns(worker)
    assert harness.log_faults.calls["resume"] == 1
    assert watched.calls[2:] == [["behind"]]


def test_commits_are_no_more_frequent_than_their_pace(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    worker = harness.worker(limits=replace(AT_ONCE, commit_interval_s=0.1))
    for number in range(5):
        harness.put(message(str(number)))
        for _ in range(3):
            worker.step()
    assert harness.log_faults.calls["commit"] == 1
    clock.advance(0.1)
    worker.step()
    assert harness.log_faults.calls["commit"] == 2
    assert harness.all_committed()


@pytest.mark.parametrize("partitions", [1, 3])
def test_all_partitions_are_worked_through(clock: ManualClock, partitions: int) -> None:
    harness = WorkerHarness(clock, partitions)
    people = [user_id_for(f"user-{number}") for number in range(10)]
    for number in range(30):
        harness.put(message(str(number), ALICE, people[number % len(people)]))
    assert all(harness.log.read(partition, 0, 1) for partition in range(partitions))
    harness.run(harness.worker())
    for position, other in enumerate(people):
        texts = harness.texts(conversation_id_for(ALICE, other))
        assert texts == [str(number) for number in range(position, 30, len(people))]
