from angarium.ports.message_log import Polled, Position
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.recorders import HeldRecorder, Watched
from tests.unit.router.rig import Rig
from tests.unit.services.log_lines import LogLines


def turns(*workers: Worker) -> None:
    for _ in range(4):
        for worker in workers:
            assert worker.step() == 0


def test_nothing_of_a_lost_assignment_is_committed_and_all_of_it_comes_again(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("a"))
    turns(worker)
    rig.take_away()
    turns(worker)
    recorder.answer()
    turns(worker)
    assert rig.texts() == ["a"]
    assert rig.position() == Position(0, -1)
    recorder.answer()
    rig.run(worker)
    assert rig.texts() == ["a"]


def test_a_message_stored_under_a_lost_assignment_is_told_once(rig: Rig, lines: LogLines) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("a"))
    turns(worker)
    rig.take_away()
    for _ in range(3):
        turns(worker)
        recorder.answer()
    rig.run(worker)
    assert len(lines.of("message_stored")) == 1


def test_a_conversation_that_comes_back_waits_for_its_call_under_the_old_assignment(
    rig: Rig,
) -> None:
    recorder = HeldRecorder(rig.messages)
    watched = Watched(recorder)
    worker = rig.worker(watched)
    rig.put(message("a"))
    turns(worker)
    rig.put(message("b"))
    turns(worker)
    rig.take_away()
    turns(worker)
    assert watched.calls == [["a"]]
    recorder.answer()
    turns(worker)
    assert watched.calls == [["a"], ["a", "b"]]


def test_a_failure_under_a_lost_assignment_is_not_tried_again_but_by_its_next_holder(
    rig: Rig,
) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("a"))
    turns(worker)
    rig.take_away()
    turns(worker)
    recorder.held.pop().fail(ConnectionError("lost"))
    turns(worker)
    assert len(recorder.held) == 1
    recorder.answer()
    rig.run(worker)
    assert rig.texts() == ["a"]


def test_work_that_waits_for_another_try_is_dropped_with_its_assignment(
    rig: Rig, clock: ManualClock
) -> None:
    rig.store_faults.fail("record", times=2)
    worker = rig.worker()
    rig.put(message("a"))
    rig.put(message("b", ALICE, CAROL))
    turns(worker)
    rig.take_away()
    turns(worker)
    clock.advance(10)
    turns(worker)
    clock.advance(10)
    rig.run(worker)
    assert rig.texts() == ["a"]
    assert rig.store_faults.calls["record"] == 4


def test_a_message_that_waits_for_presence_when_its_assignment_ends_is_stored_once(
    rig: Rig,
) -> None:
    held = rig.store_faults.hang("last_seen")
    worker = rig.worker()
    rig.put(message("a"))
    worker.step()
    rig.take_away()
    worker.step()
    assert rig.position() == Position(0, -1)
    held.release()
    rig.run(worker)
    assert rig.texts() == ["a"]


def test_records_of_a_lost_assignment_leave_the_memory(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("a"))
    turns(worker)
    rig.put(message("b"))
    turns(worker)
    waiting = worker._poll_loop._scheduler._queues._queues  # type: ignore[union-attr]
    assert [len(queue) for queue in waiting.values()] == [1]
    partitions = worker._poll_loop._partitions  # type: ignore[union-attr]
    (lost,) = partitions._held
    worker._poll_loop._apply_poll(Polled(lost=(lost,)))  # type: ignore[union-attr]
    assert [len(queue) for queue in waiting.values()] == [0]


def test_an_outage_ends_when_all_who_waited_for_it_are_gone(rig: Rig, clock: ManualClock) -> None:
    rig.store_faults.fail("record", times=1)
    first, second = rig.worker(), rig.worker()
    rig.put(message("a"))
    turns(first)
    first.stop()
    rig.run(second)
    assert rig.texts() == ["a"]


def test_dead_letters_of_a_lost_assignment_come_again(rig: Rig) -> None:
    recorder = HeldRecorder(rig.messages)
    worker = rig.worker(recorder)
    rig.put(message("a", message_id=message_id_of(1)))
    rig.put(message("b", BOB, ALICE, message_id_of(1)))
    turns(worker)
    rig.take_away()
    turns(worker)
    recorder.answer()
    turns(worker)
    assert rig.reasons() == []
    recorder.answer()
    rig.run(worker)
    assert rig.reasons() == ["message_id_conflict"]


def test_a_second_worker_takes_over_where_the_first_committed(clock: ManualClock) -> None:
    rig = Rig(clock, partitions=2)
    first, second = rig.worker(), rig.worker()
    for number in range(10):
        rig.put(message(str(number)), at=5000)
        rig.put(message(str(number), BOB, CAROL), at=7000)
    rig.run(first)
    for number in range(10, 20):
        rig.put(message(str(number)), at=1000)
        rig.put(message(str(number), BOB, CAROL), at=1000)
    rig.run(first, second)
    assert rig.texts() == [str(number) for number in range(20)]
    assert (rig.position(0), rig.position(1)) == (Position(20, 5000), Position(20, 7000))
    assert rig.store_faults.calls["record"] < 10


def test_a_zombie_and_its_successor_write_the_very_same_cells(
    rig: Rig, clock: ManualClock
) -> None:
    slow = HeldRecorder(rig.messages)
    zombie, successor = rig.worker(slow), rig.worker()
    ids = [message_id_of(number) for number in range(4)]
    rig.put(message("0", message_id=ids[0]), 9000)
    rig.put(message("1", message_id=ids[1]), 1000)
    rig.put(receipt([ids[0]]), 2000)
    turns(zombie)
    clock.advance(60)
    rig.run(successor)
    before = rig.history()
    assert [each.delivered_at for each in before] == [9000, None]
    for _ in range(3):
        slow.answer()
        turns(zombie)
    assert rig.history() == before
    assert rig.position() == Position(3, 9000)
    assert len(rig.history(ALICE_BOB)) == 2


def test_a_zombie_commits_nothing(rig: Rig, clock: ManualClock) -> None:
    slow = HeldRecorder(rig.messages)
    zombie, successor = rig.worker(slow), rig.worker(HeldRecorder(rig.messages))
    rig.put(message("a"))
    turns(zombie)
    clock.advance(60)
    turns(successor)
    slow.answer()
    zombie.step()
    assert rig.texts() == ["a"]
    assert rig.position() == Position(0, -1)
