"""The promises as a whole: senders that retry, over a log and a store
that fail at the worst moments.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.domain.conversation import Conversation
from angarium.domain.errors import LogUnavailable
from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.ports.message_log import MessageLog
from angarium.router.worker import Worker
from angarium.services.sending import Sending, Submission
from tests.fakes.clock import ManualClock
from tests.faults import Faults
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, receipt
from tests.unit.router.harness import WorkerHarness

CONVERSATION = Conversation(ALICE_BOB, (min(ALICE, BOB), max(ALICE, BOB)), 0)
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRIES = 200
RANK = list(Status)


class Sender:
    """Sends numbered texts through the API's own service, each with its
    id until the log confirms it.
    """

    def __init__(self, harness: WorkerHarness, seed: int) -> None:
        self._faults = Faults(LogUnavailable)
        self._faults.at_random(seed, before=0.2, after=0.3)
        log: MessageLog = harness.log
        self._sending = Sending(self._faults.around(log), harness.clock, "api-1")
        self.accepted: list[tuple[UUID, str]] = []

    def send(self, text: str) -> None:
        message_id = uuid4()
        for _ in range(TRIES):
            pending = self._sending.submit(
                CONVERSATION, ALICE, Submission(text, message_id=message_id), TRACE_ID
            )
            if pending.appended.exception(timeout=1) is None:
                self.accepted.append((message_id, text))
                return
        raise AssertionError(f"{TRIES} tries in a row failed")


def found(history: Sequence[Message]) -> list[tuple[UUID, str]]:
    return [(message.message_id, message.content) for message in history]


def turns(harness: WorkerHarness, worker: Worker, number: int) -> None:
    for _ in range(number):
        worker.step()
        harness.clock.advance(0.05)


def test_a_send_that_was_told_as_failed_and_retried_is_one_message(harness: WorkerHarness) -> None:
    faults = Faults(LogUnavailable)
    log: MessageLog = harness.log
    sending = Sending(faults.around(log), harness.clock, "api-1")
    faults.fail_after_effect("append", times=3)
    submission = Submission("once", message_id=uuid4())
    tries = [sending.submit(CONVERSATION, ALICE, submission, TRACE_ID) for _ in range(4)]
    assert [type(each.appended.exception(1)) for each in tries[:3]] == [LogUnavailable] * 3
    assert tries[3].appended.exception(1) is None
    harness.run(harness.worker())
    assert found(harness.history()) == [(submission.message_id, "once")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.sampled_from(["send", "work", "crash", "clock", "receipt"]), min_size=5, max_size=40
    ),
)
def test_whatever_fails_every_accepted_message_is_there_once_in_order_and_its_status_never_falls(
    seed: int, steps: list[str]
) -> None:
    harness = WorkerHarness(ManualClock())
    harness.store_faults.at_random(seed, before=0.2, after=0.2)
    sender = Sender(harness, seed)
    worker = harness.worker()
    highest: dict[UUID, Status] = {}
    seen = BEGINNING
    walked: list[tuple[UUID, str]] = []
    for number, step in enumerate(steps):
        match step:
            case "send":
                sender.send(f"text {number}")
            case "crash":
                worker = (
                    harness.worker()
                )  # the old one is left as it is: nothing of it was committed
                harness.clock.advance(60)
            case "clock":
                harness.clock.step_wall(-5_000)
            case "receipt" if harness.history():
                harness.put(receipt([harness.history()[-1].message_id]))
            case _:
                turns(harness, worker, 3)
        seen = walk(harness, seen, walked)
        hold_status(harness, highest)
    harness.store_faults.heal()
    settle(harness)
    walk(harness, seen, walked)
    hold_status(harness, highest)
    history = harness.history()
    assert found(history) == sender.accepted
    assert walked == sender.accepted, "whoever followed the cursor saw the same"
    assert [message.position for message in history] == sorted(
        message.position for message in history
    )


def walk(
    harness: WorkerHarness, seen: MessagePosition, walked: list[tuple[UUID, str]]
) -> MessagePosition:
    news = harness.messages.newer(ALICE_BOB, seen, 10_000)
    walked += found(news)
    return news[-1].position if news else seen


def hold_status(harness: WorkerHarness, highest: dict[UUID, Status]) -> None:
    for message in harness.history():
        before = highest.get(message.message_id, Status.PENDING)
        assert RANK.index(message.status) >= RANK.index(before), "a status fell"
        highest[message.message_id] = message.status


def settle(harness: WorkerHarness) -> None:
    harness.clock.advance(60)
    worker = harness.worker()
    for _ in range(500):
        turns(harness, worker, 1)
        if harness.all_committed():
            return
    raise AssertionError(f"not all is committed: {harness.position()}")
