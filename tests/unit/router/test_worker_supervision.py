import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.domain.message import Message
from angarium.ports.message_log import LogConsumer, Position
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome, StoreOutcome
from angarium.router import poll_loop
from angarium.router.poll_loop import PollLoop
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, BOB, CAROL, message
from tests.unit.router.harness import AT_ONCE, WorkerHarness
from tests.unit.router.message_writers import HeldMessageWriter
from tests.unit.services.log_lines import LogLines

PATIENCE = 30.0


def let_pass(worker: Worker, clock: ManualClock, seconds: float) -> None:
    for _ in range(round(seconds / 0.05)):
        clock.advance(max(worker.step(), 0.05))


@pytest.mark.parametrize("method", ["poll", "commit", "pause", "resume"])
def test_an_unforeseen_error_of_the_consumer_is_told_and_survived(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines, method: str
) -> None:
    worker = harness.worker(limits=replace(AT_ONCE, max_unfinished_records=2))
    harness.log_faults.fail(method, times=3, error=RuntimeError("not foreseen"))
    for number in range(10):
        harness.put(message(str(number)))
    let_pass(worker, clock, 10)
    assert harness.texts() == [str(number) for number in range(10)]
    assert harness.all_committed()
    waits = [line["delay_ms"] for line in lines.of("worker_failed")]
    # What is paused, and so resumed, depends on how much is left each
    # time.
    assert waits == [50, 100, 200][: len(waits) or 3]
    assert "RuntimeError" in lines.text()


def test_records_that_were_read_when_the_worker_failed_are_read_again(
    harness: WorkerHarness, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [RuntimeError("between reading and applying")]
    real = PollLoop._decode

    def faulty(one: PollLoop, *args: object) -> None:
        real(one, *args)  # type: ignore[arg-type]
        if failures:
            raise failures.pop()

    monkeypatch.setattr(PollLoop, "_decode", faulty)
    worker = harness.worker()
    harness.put(message("a"))
    harness.put(message("b"))
    wait = worker.step()
    assert wait > 0
    harness.put(message("c"))
    let_pass(worker, clock, 1)
    assert harness.texts() == ["a", "b", "c"]
    assert harness.position().offset == 3


def test_a_consumer_that_cannot_be_opened_is_tried_again(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    refusals = [LogUnavailable("no broker") for _ in range(5)]

    def opened() -> LogConsumer:
        if refusals:
            raise refusals.pop()
        return harness.consumer()

    worker = Worker(
        opened,
        1,
        harness.messages,
        harness.dead_letters,
        harness.online(),
        clock,
        AT_ONCE,
        lambda _, most: most,
    )
    harness.put(message("a"))
    let_pass(worker, clock, 5)
    assert harness.texts() == ["a"]
    assert len(lines.of("worker_failed")) == 5


def test_a_failed_worker_leaves_the_group(clock: ManualClock) -> None:
    harness = WorkerHarness(clock, partitions=2)
    first, second = harness.worker(), harness.worker()
    for _ in range(4):
        first.step()
        second.step()
    harness.log_faults.fail("poll", error=RuntimeError("not foreseen"))
    assert first.step() > 0
    harness.put(message("a"))
    harness.put(message("b", BOB, CAROL))
    harness.run(second)


def test_a_consumer_that_fails_to_leave_is_told_and_left_behind(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    worker = harness.worker()
    worker.step()
    harness.log_faults.fail("close", error=RuntimeError("socket"))
    harness.log_faults.fail("poll", error=RuntimeError("not foreseen"))
    assert worker.step() > 0
    assert len(lines.of("worker_failed")) == 2


def test_waits_start_small_again_after_a_sound_time(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    worker = harness.worker()
    harness.log_faults.fail("poll", times=4, error=RuntimeError("not foreseen"))
    assert [worker.step() for _ in range(4)] == [0.05, 0.1, 0.2, 0.4]
    let_pass(worker, clock, 61)
    harness.log_faults.fail("poll", error=RuntimeError("not foreseen"))
    assert worker.step() == 0.05


def test_stopping_finishes_and_commits_what_was_taken_and_takes_no_more(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    worker = harness.worker(limits=replace(AT_ONCE, commit_interval_s=100))
    harness.put(message("a"), 1000)
    for _ in range(3):
        worker.step()
    harness.put(message("b"), 2000)
    worker.step()
    harness.put(message("c"), 3000)
    worker.stop()
    assert harness.texts() == ["a", "b"]
    assert harness.position() == Position(2, 2000)


def test_stopping_commits_though_a_commit_failed_a_moment_ago(harness: WorkerHarness) -> None:
    harness.log_faults.fail("commit", error=LogUnavailable("for a moment"))
    worker = harness.worker()
    harness.put(message("a"))
    for _ in range(4):
        worker.step()
    assert harness.position().offset == 0
    worker.stop()
    assert harness.position().offset == 1


def test_stopping_finishes_conversations_that_wait_for_a_lane(harness: WorkerHarness) -> None:
    worker = harness.worker(limits=replace(AT_ONCE, max_batches=1))
    for sender, recipient in [(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)]:
        harness.put(message("x", sender, recipient))
    worker.step()
    worker.stop()
    assert harness.all_committed()


def test_stopping_leaves_the_group(clock: ManualClock) -> None:
    harness = WorkerHarness(clock, partitions=2)
    first, second = harness.worker(), harness.worker()
    for _ in range(4):
        first.step()
        second.step()
    first.stop()
    harness.put(message("a"))
    harness.put(message("b", BOB, CAROL))
    harness.run(second)


def test_stopping_waits_for_what_hangs_within_its_bound(harness: WorkerHarness) -> None:
    class Ticking(ManualClock):
        def monotonic(self) -> float:
            self.advance(0.01)
            return super().monotonic()

    clock = Ticking()
    worker = Worker(
        harness.consumer,
        1,
        HeldMessageWriter(harness.messages),
        harness.dead_letters,
        harness.online(),
        clock,
        AT_ONCE,
    )
    harness.put(message("a"))
    worker.step()
    begun = clock.monotonic()
    worker.stop()
    assert WorkerLimits().drain_timeout_s <= clock.monotonic() - begun <= 10
    assert harness.position() == Position(0, -1)


def test_stopping_does_not_wait_for_a_store_that_is_out(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.outage()
    worker = harness.worker()
    harness.put(message("a"))
    for _ in range(3):
        worker.step()
    worker.stop()
    assert harness.position() == Position(0, -1)
    harness.store_faults.heal()
    harness.run(harness.worker())
    assert harness.texts() == ["a"]


def test_stopping_survives_a_log_that_fails(harness: WorkerHarness, lines: LogLines) -> None:
    worker = harness.worker(limits=replace(AT_ONCE, commit_interval_s=100))
    for number in range(3):
        harness.put(message(str(number)))
        worker.step()
    harness.log_faults.fail("commit", error=LogUnavailable("gone"))
    worker.stop()
    other = harness.worker(HeldMessageWriter(harness.messages))
    harness.put(message("x", BOB, CAROL))
    for _ in range(3):
        other.step()
    harness.log_faults.fail("pause", error=RuntimeError("not foreseen"))
    other.stop()
    harness.run(harness.worker())
    assert harness.texts() == ["0", "1", "2"]
    assert len(lines.of("worker_failed")) == 1


def test_stopping_before_anything_began_is_nothing(harness: WorkerHarness) -> None:
    harness.worker().stop()
    assert not harness.log_faults.calls


class Threaded:
    """Applies each call, and answers it, on a thread of its own."""

    def __init__(self, inner: MessageWriter, thread: ThreadPoolExecutor) -> None:
        self._inner = inner
        self._thread = thread

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: Future[Collection[UUID]] | None = None,
    ) -> Future[tuple[StoreOutcome, ...]]:
        return self._thread.submit(
            lambda: self._inner.record(conversation_id, messages, online).result()
        )

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Future[tuple[ReceiptOutcome, ...]]:
        return self._thread.submit(
            lambda: self._inner.mark_delivered(conversation_id, receipts).result()
        )


def started(worker: Worker) -> tuple[threading.Thread, threading.Event]:
    stopping = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stopping,), daemon=True)
    thread.start()
    return thread, stopping


def test_a_lane_goes_on_when_its_call_ends_on_another_thread_and_waits_for_no_poll(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every wait but the one for the end of a call takes longer than the
    # test.
    monkeypatch.setattr(poll_loop, "MIN_WAIT_S", 3600.0)
    for number in range(10):
        harness.put(message(str(number)))
    with ThreadPoolExecutor(1) as engine:
        worker = harness.worker(
            Threaded(harness.messages, engine),
            replace(AT_ONCE, poll_timeout_s=3600, max_batch_records=1),
        )
        thread, stopping = started(worker)
        deadline = time.monotonic() + PATIENCE
        while not harness.all_committed() and time.monotonic() < deadline:
            stopping.wait(0.001)
        assert harness.texts() == [str(number) for number in range(10)]
        assert harness.all_committed()
        stopping.set()
        # The worker may be in a long poll by now, which a record ends.
        harness.put(message("last"))
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_failing_worker_that_is_told_to_stop_does_not_wait(
    harness: WorkerHarness, lines: LogLines
) -> None:
    harness.log_faults.fail("poll", times=10_000, error=RuntimeError("not foreseen"))
    online = harness.online()
    worker = Worker(
        harness.consumer,
        1,
        harness.messages,
        harness.dead_letters,
        online,
        harness.clock,
        uniform=lambda *_: 3600.0,
    )
    thread, stopping = started(worker)
    deadline = time.monotonic() + PATIENCE
    while not lines.of("worker_failed") and time.monotonic() < deadline:
        stopping.wait(0.001)
    stopping.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
