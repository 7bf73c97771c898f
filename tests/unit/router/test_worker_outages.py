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
from tests.unit.router.recorders import HeldRecorder, Watched
from tests.unit.router.rig import AT_ONCE, Rig, let_pass
from tests.unit.services.log_lines import LogLines

Outcome = TypeVar("Outcome")


def test_while_the_store_is_out_nothing_is_lost_skipped_or_committed(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    rig.store_faults.outage()
    for number in range(20):
        rig.put(message(str(number)))
    worker = rig.worker()
    let_pass(rig, worker, 60)
    assert rig.position() == Position(0, -1)
    assert rig.reasons() == []
    assert len(lines.of("store_unavailable")) == 1
    rig.store_faults.heal()
    let_pass(rig, worker, 5)
    assert rig.texts() == [str(number) for number in range(20)]
    assert rig.all_committed()
    assert len(lines.of("store_available")) == 1


def test_a_minute_without_the_store_is_few_lines_however_much_waits_for_it(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    rig.store_faults.outage()
    for number in range(100):
        rig.put(message(str(number), *PAIRS[number % len(PAIRS)]))
    worker = rig.worker()
    let_pass(rig, worker, 60)
    told = [level for level in lines.levels("retry") if level != "DEBUG"]
    assert 4 <= len(told) <= 7
    assert sum(int(str(line["repeats"])) for line in lines.of("retry") if "repeats" in line) > 10
    assert lines.levels("store_unavailable") == ["WARNING"]


PAIRS = [(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)]


def test_the_flow_is_paused_and_membership_kept_alive_while_the_store_is_out(rig: Rig) -> None:
    rig.store_faults.outage()
    rig.put(message("first"))
    worker = rig.worker()
    let_pass(rig, worker, 30)
    rig.put(message("next to ask", ALICE, CAROL))
    worker.step()
    rig.put(message("left in the log", BOB, CAROL))
    polls = rig.log_faults.calls["poll"]
    assert (rig.log_faults.calls["pause"], rig.log_faults.calls["resume"]) == (1, 0)
    for _ in range(10):
        worker.step()
    assert rig.log_faults.calls["poll"] == polls + 10
    assert (rig.log_faults.calls["pause"], rig.log_faults.calls["resume"]) == (1, 0)
    rig.store_faults.heal()
    let_pass(rig, worker, 5)
    assert rig.log_faults.calls["resume"] == 1
    assert rig.all_committed()


def test_an_outage_fills_no_memory(rig: Rig) -> None:
    rig.store_faults.outage()
    worker = rig.worker(limits=replace(AT_ONCE, max_unfinished_records=10))
    for number in range(40):
        rig.put(message(str(number)))
        let_pass(rig, worker, 1)
    assert rig.log_faults.calls["pause"] == 1
    rig.store_faults.heal()
    let_pass(rig, worker, 5)
    assert rig.texts() == [str(number) for number in range(40)]


def test_tries_grow_apart_up_to_a_bound_and_are_told_with_the_trace(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    rig.store_faults.fail("record", times=10)
    event = message()
    rig.put(event)
    worker = rig.worker()
    let_pass(rig, worker, 30, step=0.01)
    delays = [line["delay_ms"] for line in lines.of("retry")]
    assert delays == [50, 100, 200, 400, 800, 1600, 3000, 3000, 3000, 3000]
    assert {line["message_id"] for line in lines.of("retry")} == {event.message_id}
    assert {line["error_type"] for line in lines.of("retry")} == {"StoreUnavailable"}
    assert [line["attempt"] for line in lines.of("retry")] == list(range(1, 11))
    assert all(line["trace_id"] for line in lines.of("retry") + lines.of("store_unavailable"))
    assert rig.store_faults.calls["record"] == 11


def test_during_an_outage_one_conversation_at_a_time_tries_the_store(
    rig: Rig, clock: ManualClock
) -> None:
    rig.store_faults.outage()
    for name in range(50):
        rig.put(message("x", ALICE, message_id_of(name)))
    worker = rig.worker()
    worker.step()
    worker.step()
    assert rig.store_faults.calls["record"] == 50
    # However many failed at once, it was one failure of the store: the
    # first wait is the shortest.
    clock.advance(0.05)
    worker.step()
    assert rig.store_faults.calls["record"] == 51
    let_pass(rig, worker, 60)
    assert rig.store_faults.calls["record"] < 50 + 30
    rig.store_faults.heal()
    let_pass(rig, worker, 8)
    assert rig.all_committed()


def test_a_worker_stores_within_fifteen_seconds_of_the_stores_return(
    rig: Rig, clock: ManualClock
) -> None:
    rig.store_faults.outage()
    for name in range(50):
        rig.put(message("x", ALICE, message_id_of(name)))
    worker = rig.worker()
    let_pass(rig, worker, 600, step=0.2)
    rig.store_faults.heal()
    let_pass(rig, worker, 15, step=0.2)
    assert rig.all_committed()


def test_a_message_whose_storing_took_effect_but_was_told_as_failed_is_one_and_told_once(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    rig.store_faults.fail_after_effect("record", times=3)
    rig.put(message("once"))
    worker = rig.worker()
    let_pass(rig, worker, 5)
    assert rig.texts() == ["once"]
    assert rig.all_committed()
    assert len(lines.of("message_stored")) == 1


def test_a_receipt_survives_an_outage(rig: Rig, clock: ManualClock) -> None:
    event = message()
    rig.put(event)
    rig.put(receipt([event.message_id]))
    rig.store_faults.fail("mark_delivered", times=2)
    rig.store_faults.fail_after_effect("mark_delivered", times=2)
    let_pass(rig, rig.worker(), 10)
    assert [each.status for each in rig.history()] == ["DELIVERED"]
    assert rig.all_committed()


@pytest.mark.parametrize("at_once", [True, False])
def test_an_unforeseen_error_of_the_store_is_an_outage_and_never_skipped(
    rig: Rig, clock: ManualClock, lines: LogLines, at_once: bool
) -> None:
    rig.store_faults.fail(
        "record", times=20, error=ZeroDivisionError("inside the driver"), at_once=at_once
    )
    rig.put(message("kept"))
    worker = rig.worker()
    let_pass(rig, worker, 10)
    assert rig.position() == Position(0, -1)
    assert rig.reasons() == []
    assert {line["error_type"] for line in lines.of("retry")} == {"ZeroDivisionError"}
    let_pass(rig, worker, 60)
    assert rig.texts() == ["kept"]
    assert rig.all_committed()


def test_a_wrong_number_of_answers_is_not_believed(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    class Short:
        def __init__(self) -> None:
            self.lies = 2

        def record(self, conversation_id, messages, online=None):  # type: ignore[no-untyped-def]
            self.lies -= 1
            return rig.messages.record(
                conversation_id, messages[: -1 if self.lies >= 0 else None], online
            )

        mark_delivered = rig.messages.mark_delivered

    rig.put(message("a"))
    rig.put(message("b"))
    worker = rig.worker(Short())
    worker.step()
    worker.step()
    assert rig.position() == Position(0, -1)
    let_pass(rig, worker, 5)
    assert rig.texts() == ["a", "b"]
    assert len(lines.of("message_stored")) == 2


def test_a_conversation_that_fails_for_ever_holds_up_no_other(
    rig: Rig, clock: ManualClock
) -> None:
    broken = message("broken").conversation_id
    rig.store_faults.fail(
        "record", times=10_000, when=lambda conversation_id, *_: conversation_id == broken
    )
    worker = rig.worker()
    rig.put(message("broken"))
    let_pass(rig, worker, 20)
    for number in range(100):
        rig.put(message(str(number), ALICE, CAROL))
        let_pass(rig, worker, 0.5)
    let_pass(rig, worker, 5)
    assert len(rig.texts(message("x", ALICE, CAROL).conversation_id)) == 100
    assert rig.position() == Position(0, -1)


def test_what_fails_for_ever_and_alone_starts_one_outage_only(rig: Rig, lines: LogLines) -> None:
    broken = message().conversation_id
    rig.store_faults.fail(
        "record", times=10_000, when=lambda conversation_id, *_: conversation_id == broken
    )
    worker = rig.worker()
    rig.put(message())
    for _ in range(20):
        let_pass(rig, worker, 3)
        rig.put(message("x", ALICE, CAROL))
    assert len(lines.of("store_unavailable")) == 1
    assert 10 < len(lines.of("retry")) < 60


def test_a_call_without_an_answer_is_tried_again_and_its_late_answer_ignored(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    held = rig.store_faults.hang("record")
    rig.put(message("a"))
    rig.put(message("b"))
    worker = rig.worker()
    let_pass(rig, worker, 9.5)
    assert rig.store_faults.calls["record"] == 1
    let_pass(rig, worker, 5)
    assert rig.texts() == ["a", "b"]
    assert rig.all_committed()
    held.release()
    let_pass(rig, worker, 1)
    assert rig.texts() == ["a", "b"]
    assert len(lines.of("message_stored")) == 2


def test_what_waits_is_tried_again_while_another_try_still_hangs(
    rig: Rig, clock: ManualClock
) -> None:
    recorder = HeldRecorder(rig.messages)
    watched = Watched(recorder)
    worker = rig.worker(watched)
    for text, recipient in [("a", BOB), ("b", CAROL)]:
        rig.put(message(text, ALICE, recipient))
    for _ in range(3):
        worker.step()
    for call in recorder.held[:]:
        recorder.held.remove(call)
        call.fail(StoreUnavailable("out"))
    worker.step()
    rig.put(message("c", BOB, CAROL))
    worker.step()
    clock.advance(1)
    for _ in range(2):
        worker.step()
    assert watched.calls[2:] == [["a"], ["c"]]
    recorder.answer(message("c", BOB, CAROL).conversation_id)
    for _ in range(2):
        worker.step()
    assert watched.calls[4:] == [["b"]]


def test_no_turn_waits_longer_than_the_poll(rig: Rig, clock: ManualClock) -> None:
    asked: list[float] = []
    recorder = HeldRecorder(rig.messages)

    class Patient:
        def __init__(self) -> None:
            self._inner = rig.consumer()

        def poll(self, timeout: float) -> object:
            asked.append(timeout)
            return self._inner.poll(0)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    worker = Worker(
        Patient,  # type: ignore[arg-type]  # passes everything on
        1,
        recorder,
        rig.dead_letters,
        rig.online(),
        clock,
        replace(AT_ONCE, poll_timeout_s=0.2),
    )
    for _ in range(3):
        worker.step()
    assert set(asked) == {0.2}
    rig.put(message())
    worker.step()
    asked.clear()
    # While a call is under way the wait is for its end, never in the
    # poll.
    for _ in range(3):
        worker.step()
    assert set(asked) == {0.0}
    recorder.answer()
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
    rig: Rig, lines: LogLines, kind: str
) -> None:
    short = ShortOfOutcomes()
    rig.messages = short
    first, second = message("first"), message("second")
    rig.put(first)
    rig.put(second)
    worker = rig.worker()
    if kind == "receipts":
        short.forgets = False
        rig.run(worker)
        short.forgets = True
        rig.put(receipt([first.message_id]))
        rig.put(receipt([second.message_id]))
    committed = rig.position().offset
    let_pass(rig, worker, 5)
    assert rig.position().offset == committed
    assert lines.levels("store_unavailable") == ["ERROR"]
    short.forgets = False
    let_pass(rig, worker, 10)
    assert rig.all_committed()
    assert {stored.status is Status.DELIVERED for stored in rig.history()} == {kind == "receipts"}
