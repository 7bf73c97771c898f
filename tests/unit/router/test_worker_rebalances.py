from angarium.ports.message_log import PollResult, Position
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import WorkerHarness
from tests.unit.router.message_writers import HeldMessageWriter, Watched
from tests.unit.services.log_lines import LogLines


def turns(*workers: Worker) -> None:
    for _ in range(4):
        for worker in workers:
            assert worker.step() == 0


def test_nothing_of_a_lost_assignment_is_committed_and_all_of_it_comes_again(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("a"))
    turns(worker)
    harness.take_away()
    turns(worker)
    message_writer.answer()
    turns(worker)
    assert harness.texts() == ["a"]
    assert harness.position() == Position(0, -1)
    message_writer.answer()
    harness.run(worker)
    assert harness.texts() == ["a"]


def test_a_message_stored_under_a_lost_assignment_is_told_once(
    harness: WorkerHarness, lines: LogLines
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("a"))
    turns(worker)
    harness.take_away()
    for _ in range(3):
        turns(worker)
        message_writer.answer()
    harness.run(worker)
    assert len(lines.of("message_stored")) == 1


def test_a_conversation_that_comes_back_waits_for_its_call_under_the_old_assignment(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    watched = Watched(message_writer)
    worker = harness.worker(watched)
    harness.put(message("a"))
    turns(worker)
    harness.put(message("b"))
    turns(worker)
    harness.take_away()
    turns(worker)
    assert watched.calls == [["a"]]
    message_writer.answer()
    turns(worker)
    assert watched.calls == [["a"], ["a", "b"]]


def test_a_failure_under_a_lost_assignment_is_not_tried_again_but_by_its_next_holder(
    harness: WorkerHarness,
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("a"))
    turns(worker)
    harness.take_away()
    turns(worker)
    message_writer.held.pop().fail(ConnectionError("lost"))
    turns(worker)
    assert len(message_writer.held) == 1
    message_writer.answer()
    harness.run(worker)
    assert harness.texts() == ["a"]


def test_work_that_waits_for_another_try_is_dropped_with_its_assignment(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.fail("record", times=2)
    worker = harness.worker()
    harness.put(message("a"))
    harness.put(message("b", ALICE, CAROL))
    turns(worker)
    harness.take_away()
    turns(worker)
    clock.advance(10)
    turns(worker)
    clock.advance(10)
    harness.run(worker)
    assert harness.texts() == ["a"]
    assert harness.store_faults.calls["record"] == 4


def test_a_message_that_waits_for_presence_when_its_assignment_ends_is_stored_once(
    harness: WorkerHarness,
) -> None:
    held = harness.store_faults.hang("last_seen")
    worker = harness.worker()
    harness.put(message("a"))
    worker.step()
    harness.take_away()
    worker.step()
    assert harness.position() == Position(0, -1)
    held.release()
    harness.run(worker)
    assert harness.texts() == ["a"]


def test_records_of_a_lost_assignment_leave_the_memory(harness: WorkerHarness) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("a"))
    turns(worker)
    harness.put(message("b"))
    turns(worker)
    waiting = worker._poll_loop._scheduler._queues._queues  # type: ignore[union-attr]
    assert [len(queue) for queue in waiting.values()] == [1]
    partitions = worker._poll_loop._partitions  # type: ignore[union-attr]
    (lost,) = partitions._held
    worker._poll_loop._apply_poll(PollResult(lost=(lost,)))  # type: ignore[union-attr]
    assert [len(queue) for queue in waiting.values()] == [0]


def test_an_outage_ends_when_all_who_waited_for_it_are_gone(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.fail("record", times=1)
    first, second = harness.worker(), harness.worker()
    harness.put(message("a"))
    turns(first)
    first.stop()
    harness.run(second)
    assert harness.texts() == ["a"]


def test_dead_letters_of_a_lost_assignment_come_again(harness: WorkerHarness) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    worker = harness.worker(message_writer)
    harness.put(message("a", message_id=message_id_of(1)))
    harness.put(message("b", BOB, ALICE, message_id_of(1)))
    turns(worker)
    harness.take_away()
    turns(worker)
    message_writer.answer()
    turns(worker)
    assert harness.reasons() == []
    message_writer.answer()
    harness.run(worker)
    assert harness.reasons() == ["message_id_conflict"]


def test_a_second_worker_takes_over_where_the_first_committed(clock: ManualClock) -> None:
    harness = WorkerHarness(clock, partitions=2)
    first, second = harness.worker(), harness.worker()
    for number in range(10):
        harness.put(message(str(number)), at=5000)
        harness.put(message(str(number), BOB, CAROL), at=7000)
    harness.run(first)
    for number in range(10, 20):
        harness.put(message(str(number)), at=1000)
        harness.put(message(str(number), BOB, CAROL), at=1000)
    harness.run(first, second)
    assert harness.texts() == [str(number) for number in range(20)]
    assert (harness.position(0), harness.position(1)) == (Position(20, 5000), Position(20, 7000))
    assert harness.store_faults.calls["record"] < 10


def test_a_zombie_and_its_successor_write_the_very_same_cells(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    slow = HeldMessageWriter(harness.messages)
    zombie, successor = harness.worker(slow), harness.worker()
    ids = [message_id_of(number) for number in range(4)]
    harness.put(message("0", message_id=ids[0]), 9000)
    harness.put(message("1", message_id=ids[1]), 1000)
    harness.put(receipt([ids[0]]), 2000)
    turns(zombie)
    clock.advance(60)
    harness.run(successor)
    before = harness.history()
    assert [each.delivered_at for each in before] == [9000, None]
    for _ in range(3):
        slow.answer()
        turns(zombie)
    assert harness.history() == before
    assert harness.position() == Position(3, 9000)
    assert len(harness.history(ALICE_BOB)) == 2


def test_a_zombie_commits_nothing(harness: WorkerHarness, clock: ManualClock) -> None:
    slow = HeldMessageWriter(harness.messages)
    zombie, successor = harness.worker(slow), harness.worker(HeldMessageWriter(harness.messages))
    harness.put(message("a"))
    turns(zombie)
    clock.advance(60)
    turns(successor)
    slow.answer()
    zombie.step()
    assert harness.texts() == ["a"]
    assert harness.position() == Position(0, -1)
