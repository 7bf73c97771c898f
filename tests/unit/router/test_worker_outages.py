from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import Message, Status
from angarium.ports.message_log import Position
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.fakes.messages import MemoryMessages
from tests.unit.router.events import ALICE, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import AT_ONCE, WorkerHarness, let_pass
from tests.unit.router.message_writers import HeldMessageWriter, Watched
from tests.unit.services.log_lines import LogLines

Outcome = TypeVar("Outcome")


def test_while_the_store_is_out_nothing_is_lost_skipped_or_committed(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.store_faults.outage()
    for number in range(20):
        harness.put(message(str(number)))
    worker = harness.worker()
    let_pass(harness, worker, 60)
    assert harness.position() == Position(0, -1)
    assert harness.reasons() == []
    assert len(lines.of("store_unavailable")) == 1
    harness.store_faults.heal()
    let_pass(harness, worker, 5)
    assert harness.texts() == [str(number) for number in range(20)]
    assert harness.all_committed()
    assert len(lines.of("store_available")) == 1


def test_a_minute_without_the_store_is_few_lines_however_much_waits_for_it(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.store_faults.outage()
    for number in range(100):
        harness.put(message(str(number), *PAIRS[number % len(PAIRS)]))
    worker = harness.worker()
    let_pass(harness, worker, 60)
    told = [level for level in lines.levels("retry") if level != "DEBUG"]
    assert 4 <= len(told) <= 7
    assert sum(int(str(line["repeats"])) for line in lines.of("retry") if "repeats" in line) > 10
    assert lines.levels("store_unavailable") == ["WARNING"]


PAIRS = [(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)]


def test_the_flow_is_paused_and_membership_kept_alive_while_the_store_is_out(
    harness: WorkerHarness,
) -> None:
    harness.store_faults.outage()
    harness.put(message("first"))
    worker = harness.worker()
    let_pass(harness, worker, 30)
    harness.put(message("next to ask", ALICE, CAROL))
    worker.step()
    harness.put(message("left in the log", BOB, CAROL))
    polls = harness.log_faults.calls["poll"]
    assert (harness.log_faults.calls["pause"], harness.log_faults.calls["resume"]) == (1, 0)
    for _ in range(10):
        worker.step()
    assert harness.log_faults.calls["poll"] == polls + 10
    assert (harness.log_faults.calls["pause"], harness.log_faults.calls["resume"]) == (1, 0)
    harness.store_faults.heal()
    let_pass(harness, worker, 5)
    assert harness.log_faults.calls["resume"] == 1
    assert harness.all_committed()


def test_an_outage_fills_no_memory(harness: WorkerHarness) -> None:
    harness.store_faults.outage()
    worker = harness.worker(limits=replace(AT_ONCE, max_unfinished_records=10))
    for number in range(40):
        harness.put(message(str(number)))
        let_pass(harness, worker, 1)
    assert harness.log_faults.calls["pause"] == 1
    harness.store_faults.heal()
    let_pass(harness, worker, 5)
    assert harness.texts() == [str(number) for number in range(40)]


def test_tries_grow_apart_up_to_a_bound_and_are_told_with_the_trace(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.store_faults.fail("record", times=10)
    event = message()
    harness.put(event)
    worker = harness.worker()
    let_pass(harness, worker, 30, step=0.01)
    delays = [line["delay_ms"] for line in lines.of("retry")]
    assert delays == [50, 100, 200, 400, 800, 1600, 3000, 3000, 3000, 3000]
    assert {line["message_id"] for line in lines.of("retry")} == {event.message_id}
    assert {line["error_type"] for line in lines.of("retry")} == {"StoreUnavailable"}
    assert [line["attempt"] for line in lines.of("retry")] == list(range(1, 11))
    assert all(line["trace_id"] for line in lines.of("retry") + lines.of("store_unavailable"))
    assert harness.store_faults.calls["record"] == 11


def test_during_an_outage_one_conversation_at_a_time_tries_the_store(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.outage()
    for name in range(50):
        harness.put(message("x", ALICE, message_id_of(name)))
    worker = harness.worker()
    worker.step()
    worker.step()
    assert harness.store_faults.calls["record"] == 50
    # However many failed at once, it was one failure of the store: the
    # first wait is the shortest.
    clock.advance(0.05)
    worker.step()
    assert harness.store_faults.calls["record"] == 51
    let_pass(harness, worker, 60)
    assert harness.store_faults.calls["record"] < 50 + 30
    harness.store_faults.heal()
    let_pass(harness, worker, 8)
    assert harness.all_committed()


def test_a_worker_stores_within_fifteen_seconds_of_the_stores_return(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.outage()
    for name in range(50):
        harness.put(message("x", ALICE, message_id_of(name)))
    worker = harness.worker()
    let_pass(harness, worker, 600, step=0.2)
    harness.store_faults.heal()
    let_pass(harness, worker, 15, step=0.2)
    assert harness.all_committed()


def test_a_message_whose_storing_took_effect_but_was_told_as_failed_is_one_and_told_once(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.store_faults.fail_after_effect("record", times=3)
    harness.put(message("once"))
    worker = harness.worker()
    let_pass(harness, worker, 5)
    assert harness.texts() == ["once"]
    assert harness.all_committed()
    assert len(lines.of("message_stored")) == 1


def test_a_receipt_survives_an_outage(harness: WorkerHarness, clock: ManualClock) -> None:
    event = message()
    harness.put(event)
    harness.put(receipt([event.message_id]))
    harness.store_faults.fail("mark_delivered", times=2)
    harness.store_faults.fail_after_effect("mark_delivered", times=2)
    let_pass(harness, harness.worker(), 10)
    assert [each.status for each in harness.history()] == ["DELIVERED"]
    assert harness.all_committed()


@pytest.mark.parametrize("at_once", [True, False])
def test_an_unforeseen_error_of_the_store_is_an_outage_and_never_skipped(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines, at_once: bool
) -> None:
    harness.store_faults.fail(
        "record", times=20, error=ZeroDivisionError("inside the driver"), at_once=at_once
    )
    harness.put(message("kept"))
    worker = harness.worker()
    let_pass(harness, worker, 10)
    assert harness.position() == Position(0, -1)
    assert harness.reasons() == []
    assert {line["error_type"] for line in lines.of("retry")} == {"ZeroDivisionError"}
    let_pass(harness, worker, 60)
    assert harness.texts() == ["kept"]
    assert harness.all_committed()


def test_a_wrong_number_of_answers_is_not_believed(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    class Short:
        def __init__(self) -> None:
            self.lies = 2

        def record(self, conversation_id, messages, online=None):  # type: ignore[no-untyped-def]
            self.lies -= 1
            return harness.messages.record(
                conversation_id, messages[: -1 if self.lies >= 0 else None], online
            )

        mark_delivered = harness.messages.mark_delivered

    harness.put(message("a"))
    harness.put(message("b"))
    worker = harness.worker(Short())
    worker.step()
    worker.step()
    assert harness.position() == Position(0, -1)
    let_pass(harness, worker, 5)
    assert harness.texts() == ["a", "b"]
    assert len(lines.of("message_stored")) == 2


def test_a_conversation_that_fails_for_ever_holds_up_no_other(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    broken = message("broken").conversation_id
    harness.store_faults.fail(
        "record", times=10_000, when=lambda conversation_id, *_: conversation_id == broken
    )
    worker = harness.worker()
    harness.put(message("broken"))
    let_pass(harness, worker, 20)
    for number in range(100):
        harness.put(message(str(number), ALICE, CAROL))
        let_pass(harness, worker, 0.5)
    let_pass(harness, worker, 5)
    assert len(harness.texts(message("x", ALICE, CAROL).conversation_id)) == 100
    assert harness.position() == Position(0, -1)


def test_what_fails_for_ever_and_alone_starts_one_outage_only(
    harness: WorkerHarness, lines: LogLines
) -> None:
    broken = message().conversation_id
    harness.store_faults.fail(
        "record", times=10_000, when=lambda conversation_id, *_: conversation_id == broken
    )
    worker = harness.worker()
    harness.put(message())
    for _ in range(20):
        let_pass(harness, worker, 3)
        harness.put(message("x", ALICE, CAROL))
    assert len(lines.of("store_unavailable")) == 1
    assert 10 < len(lines.of("retry")) < 60


def test_a_call_without_an_answer_is_tried_again_and_its_late_answer_ignored(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    held = harness.store_faults.hang("record")
    harness.put(message("a"))
    harness.put(message("b"))
    worker = harness.worker()
    let_pass(harness, worker, 9.5)
    assert harness.store_faults.calls["record"] == 1
    let_pass(harness, worker, 5)
    assert harness.texts() == ["a", "b"]
    assert harness.all_committed()
    held.release()
    let_pass(harness, worker, 1)
    assert harness.texts() == ["a", "b"]
    assert len(lines.of("message_stored")) == 2


def test_what_waits_is_tried_again_while_another_try_still_hangs(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    message_writer = HeldMessageWriter(harness.messages)
    watched = Watched(message_writer)
    worker = harness.worker(watched)
    for text, recipient in [("a", BOB), ("b", CAROL)]:
        harness.put(message(text, ALICE, recipient))
    for _ in range(3):
        worker.step()
    for call in message_writer.held[:]:
        message_writer.held.remove(call)
        call.fail(StoreUnavailable("out"))
    worker.step()
    harness.put(message("c", BOB, CAROL))
    worker.step()
    clock.advance(1)
    for _ in range(2):
        worker.step()
    assert watched.calls[2:] == [["a"], ["c"]]
    message_writer.answer(message("c", BOB, CAROL).conversation_id)
    for _ in range(2):
        worker.step()
    assert watched.calls[4:] == [["b"]]


def test_no_turn_waits_longer_than_the_poll(harness: WorkerHarness, clock: ManualClock) -> None:
    asked: list[float] = []
    message_writer = HeldMessageWriter(harness.messages)

    class Patient:
        def __init__(self) -> None:
            self._inner = harness.consumer()

        def poll(self, timeout_s: float) -> object:
            asked.append(timeout_s)
            return self._inner.poll(0)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    worker = Worker(
        Patient,  # type: ignore[arg-type]  # passes everything on
        1,
        message_writer,
        harness.dead_letters,
        harness.online(),
        clock,
        replace(AT_ONCE, poll_timeout_s=0.2),
    )
    for _ in range(3):
        worker.step()
    assert set(asked) == {0.2}
    harness.put(message())
    worker.step()
    asked.clear()
    # While a call is under way the wait is for its end, never in the
    # poll.
    for _ in range(3):
        worker.step()
    assert set(asked) == {0.0}
    message_writer.answer()
    worker.step()
    # What is finished is committed before the worker waits.
    assert asked[-1] == 0.0
    worker.step()
    assert asked[-1] == 0.2


class ShortOfOutcomes(MemoryMessages):
    """A store that at first forgets to say what became of the last."""

    def __init__(self) -> None:
        super().__init__()
        self.forgets = True

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: Future[Collection[UUID]] | None = None,
    ) -> Future[tuple[StoreOutcome, ...]]:
        return self._cut(super().record(conversation_id, messages, online))

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Future[tuple[ReceiptOutcome, ...]]:
        return self._cut(super().mark_delivered(conversation_id, receipts))

    def _cut(self, answer: Future[tuple[Outcome, ...]]) -> Future[tuple[Outcome, ...]]:
        cut: Future[tuple[Outcome, ...]] = Future()
        cut.set_result(answer.result()[:-1] if self.forgets else answer.result())
        return cut


@pytest.mark.parametrize("kind", ["messages", "receipts"])
def test_too_few_outcomes_finish_nothing_and_are_asked_for_again(
    harness: WorkerHarness, lines: LogLines, kind: str
) -> None:
    short = ShortOfOutcomes()
    harness.messages = short
    first, second = message("first"), message("second")
    harness.put(first)
    harness.put(second)
    worker = harness.worker()
    if kind == "receipts":
        short.forgets = False
        harness.run(worker)
        short.forgets = True
        harness.put(receipt([first.message_id]))
        harness.put(receipt([second.message_id]))
    committed = harness.position().offset
    let_pass(harness, worker, 5)
    assert harness.position().offset == committed
    assert lines.levels("store_unavailable") == ["ERROR"]
    short.forgets = False
    let_pass(harness, worker, 10)
    assert harness.all_committed()
    assert {stored.status is Status.DELIVERED for stored in harness.history()} == {
        kind == "receipts"
    }
