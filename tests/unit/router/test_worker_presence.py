from collections.abc import Collection
from concurrent.futures import Future
from uuid import UUID

import pytest

from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.faults import Faults
from tests.unit.router.events import ALICE_BOB, BOB, CAROL, message
from tests.unit.router.recorders import Watched
from tests.unit.router.rig import AT_ONCE, Rig, let_pass
from tests.unit.services.log_lines import LogLines


class Unanswered:
    """Keeps everybody who asks waiting."""

    def __init__(self) -> None:
        self.answer: Future[frozenset[UUID]] = Future()

    def online(self, user_ids: Collection[UUID]) -> Future[frozenset[UUID]]:
        assert user_ids
        return self.answer


def test_presence_that_fails_never_decides_whether_something_is_stored(
    rig: Rig, clock: ManualClock
) -> None:
    rig.store_faults.fail("last_seen", times=3)
    rig.presence.touch(BOB, clock.now_ms())
    rig.put(message("a"))
    rig.run(rig.worker())
    assert [each.status for each in rig.history()] == ["PENDING"]


@pytest.mark.parametrize("at_once", [True, False])
def test_an_unforeseen_error_of_presence_is_told_and_the_message_is_pending(
    rig: Rig, clock: ManualClock, lines: LogLines, at_once: bool
) -> None:
    faults = Faults(RuntimeError)
    faults.fail("online", at_once=at_once)
    online = faults.around(rig.online())
    rig.presence.touch(BOB, clock.now_ms())
    rig.put(message("a"))
    rig.run(Worker(rig.consumer, 1, rig.messages, rig.dead_letters, online, clock, AT_ONCE))
    assert [each.status for each in rig.history()] == ["PENDING"]
    assert len(lines.of("presence_failed")) == 1


def test_messages_are_handed_over_while_it_is_asked_who_is_online(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    watched, asked = Watched(rig.messages), Unanswered()
    worker = Worker(rig.consumer, 1, watched, rig.dead_letters, asked, clock, AT_ONCE)
    carols = message("b", recipient=CAROL)
    rig.put(message("a"))
    rig.put(carols)
    for _ in range(3):
        worker.step()
    assert watched.calls == [["a"], ["b"]]
    assert rig.texts() == []
    asked.answer.set_result(frozenset({BOB}))
    rig.run(worker)
    statuses = [rig.history(each)[0].status for each in (ALICE_BOB, carols.conversation_id)]
    assert statuses == ["SENT", "PENDING"]
    assert sorted(str(line["status"]) for line in lines.of("message_stored")) == [
        "PENDING",
        "SENT",
    ]


def test_presence_that_never_answers_is_waited_for_once(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    worker = Worker(rig.consumer, 1, rig.messages, rig.dead_letters, Unanswered(), clock, AT_ONCE)
    rig.put(message("a"))
    let_pass(rig, worker, AT_ONCE.call_timeout_s + 5)
    assert [each.status for each in rig.history()] == ["PENDING"]
    assert rig.all_committed()
    assert len(lines.of("message_stored")) == 1
