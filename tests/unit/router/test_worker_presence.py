from collections.abc import Collection
from concurrent.futures import Future
from uuid import UUID

import pytest

from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.faults import Faults
from tests.unit.router.events import ALICE_BOB, BOB, CAROL, message
from tests.unit.router.harness import AT_ONCE, WorkerHarness, let_pass
from tests.unit.router.message_writers import Watched
from tests.unit.services.log_lines import LogLines


class Unanswered:
    """Keeps everybody who asks waiting."""

    def __init__(self) -> None:
        self.answer: Future[frozenset[UUID]] = Future()

    def find_online(
        self, user_ids: Collection[UUID], taken_at: float | None = None
    ) -> Future[frozenset[UUID]]:
        assert taken_at is not None
        assert user_ids
        return self.answer


def test_presence_that_fails_never_decides_whether_something_is_stored(
    harness: WorkerHarness, clock: ManualClock
) -> None:
    harness.store_faults.fail("last_seen", times=3)
    harness.presence.touch(BOB, clock.now_ms())
    harness.put(message("a"))
    harness.run(harness.worker())
    assert [each.status for each in harness.history()] == ["PENDING"]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_unforeseen_error_of_presence_is_told_and_the_message_is_pending(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines, at_once: bool
) -> None:
    faults = Faults(RuntimeError)
    faults.fail("find_online", at_once=at_once)
    online = faults.around(harness.online())
    harness.presence.touch(BOB, clock.now_ms())
    harness.put(message("a"))
    harness.run(
        Worker(harness.consumer, 1, harness.messages, harness.dead_letters, online, clock, AT_ONCE)
    )
    assert [each.status for each in harness.history()] == ["PENDING"]
    assert len(lines.of("presence_failed")) == 1


def test_messages_are_handed_over_while_it_is_asked_who_is_online(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    watched, asked = Watched(harness.messages), Unanswered()
    worker = Worker(harness.consumer, 1, watched, harness.dead_letters, asked, clock, AT_ONCE)
    carols = message("b", recipient=CAROL)
    harness.put(message("a"))
    harness.put(carols)
    for _ in range(3):
        worker.step()
    assert watched.calls == [["a"], ["b"]]
    assert harness.texts() == []
    asked.answer.set_result(frozenset({BOB}))
    harness.run(worker)
    statuses = [harness.history(each)[0].status for each in (ALICE_BOB, carols.conversation_id)]
    assert statuses == ["SENT", "PENDING"]
    assert sorted(str(line["status"]) for line in lines.of("message_stored")) == [
        "PENDING",
        "SENT",
    ]


def test_presence_that_never_answers_is_waited_for_once(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    worker = Worker(
        harness.consumer, 1, harness.messages, harness.dead_letters, Unanswered(), clock, AT_ONCE
    )
    harness.put(message("a"))
    let_pass(harness, worker, AT_ONCE.call_timeout_s + 5)
    assert [each.status for each in harness.history()] == ["PENDING"]
    assert harness.all_committed()
    assert len(lines.of("message_stored")) == 1
