from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import pytest

from angarium import deadline
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, LogUnavailable, Refused, StoreUnavailable
from angarium.domain.events import MessagesDelivered, decode
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import Message, MessagePosition, Status
from angarium.ports.message_log import Appended
from angarium.services.delivery import Delivery
from angarium.services.store_retry import StoreRetry
from tests.fakes.clock import ManualClock
from tests.fakes.messages import MemoryMessages
from tests.unit.services.fake_logs import PendingLog, RefusingLog
from tests.unit.services.log_lines import LogLines

ALICE, BOB = user_id_for("alice"), user_id_for("bob")
FIRST, SECOND = sorted((ALICE, BOB), key=str)
CONVERSATION = Conversation(conversation_id_for(ALICE, BOB), (FIRST, SECOND), 1)
TRACE = "0123456789abcdef" * 2


class Doorstep:
    """A delivery with its parts at hand, and messages to confirm."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.log = PendingLog()
        self.messages = MemoryMessages()
        self.delivery = Delivery(self.log, self.messages, clock, StoreRetry(), "api-1")
        self.to_bob = [self.store(number, ALICE, BOB) for number in range(3)]
        self.to_alice = self.store(3, BOB, ALICE)

    def store(self, offset: int, sender_id: UUID, recipient_id: UUID) -> UUID:
        message = Message(
            uuid4(),
            CONVERSATION.conversation_id,
            sender_id,
            recipient_id,
            "hello",
            MessagePosition(1, offset),
            Status.SENT,
        )
        self.messages.record(CONVERSATION.conversation_id, [message])
        return message.message_id

    def code_of(self, caller_id: UUID, message_ids: Sequence[UUID]) -> Code:
        with pytest.raises(Refused) as refusal:
            self.delivery.confirm(CONVERSATION, caller_id, message_ids, TRACE)
        return refusal.value.problems[0].code


@pytest.fixture
def doorstep(clock: ManualClock) -> Doorstep:
    return Doorstep(clock)


def test_all_receipts_go_into_one_record_under_the_conversation(doorstep: Doorstep) -> None:
    pending = doorstep.delivery.confirm(CONVERSATION, BOB, doorstep.to_bob, TRACE)
    assert pending.accepted == 3
    (record,) = doorstep.log.records
    event = decode(record.value, record.headers["schema"])
    assert isinstance(event, MessagesDelivered)
    assert event.message_ids == tuple(doorstep.to_bob)
    assert (event.recipient_id, event.timestamp) == (BOB, doorstep.clock.now_ms())
    assert event.conversation_id == CONVERSATION.conversation_id
    assert record.key == str(CONVERSATION.conversation_id).encode()
    assert record.headers["trace_id"] == TRACE
    assert record.headers["instance"] == "api-1"


def test_a_repeated_id_counts_once(doorstep: Doorstep) -> None:
    pending = doorstep.delivery.confirm(CONVERSATION, BOB, doorstep.to_bob[:1] * 5, TRACE)
    assert pending.accepted == 1


def test_one_id_that_is_not_there_refuses_all(doorstep: Doorstep) -> None:
    assert doorstep.code_of(BOB, [*doorstep.to_bob, uuid4()]) == Code.MESSAGE_NOT_FOUND
    assert doorstep.log.records == []


def test_one_message_of_the_caller_refuses_all(doorstep: Doorstep) -> None:
    assert doorstep.code_of(BOB, [*doorstep.to_bob, doorstep.to_alice]) == Code.NOT_RECIPIENT
    assert doorstep.code_of(ALICE, [doorstep.to_bob[0]]) == Code.NOT_RECIPIENT
    assert doorstep.log.records == []


def test_a_message_of_another_conversation_is_not_there(doorstep: Doorstep) -> None:
    other = Conversation(uuid4(), (FIRST, SECOND), 1)
    with pytest.raises(Refused) as refusal:
        doorstep.delivery.confirm(other, BOB, doorstep.to_bob, TRACE)
    assert refusal.value.problems[0].code == Code.MESSAGE_NOT_FOUND


def test_receipts_are_accepted_only_once_the_log_has_them(
    doorstep: Doorstep, lines: LogLines
) -> None:
    pending = doorstep.delivery.confirm(CONVERSATION, BOB, doorstep.to_bob[:1], TRACE)
    assert not pending.appended.done()
    assert lines.of("receipts_accepted") == []
    doorstep.log.futures[0].set_result(Appended(7, 42, 1))
    assert pending.appended.result(0) == Appended(7, 42, 1)
    (line,) = lines.of("receipts_accepted")
    assert line == {
        "trace_id": TRACE,
        "conversation_id": str(CONVERSATION.conversation_id),
        "user_id": str(BOB),
        "message_id": str(doorstep.to_bob[0]),
        "count": 1,
        "partition": 7,
        "offset": 42,
        "duration_ms": 0.0,
    }


def test_a_log_that_takes_nothing_is_told_by_the_future(
    clock: ManualClock, lines: LogLines
) -> None:
    doorstep = Doorstep(clock)
    delivery = Delivery(RefusingLog(), doorstep.messages, clock, StoreRetry(), "api-1")
    pending = delivery.confirm(CONVERSATION, BOB, doorstep.to_bob, TRACE)
    with pytest.raises(LogUnavailable):
        pending.appended.result(0)
    (line,) = lines.of("log_unavailable")
    assert (line["trace_id"], line["count"]) == (TRACE, 3)


def test_a_silent_store_is_told_and_nothing_is_recorded(clock: ManualClock) -> None:
    class Silent(MemoryMessages):
        def find(
            self, conversation_id: UUID, message_ids: Sequence[UUID]
        ) -> Mapping[UUID, Message]:
            raise StoreUnavailable("node 3 is silent")

    log = PendingLog()
    delivery = Delivery(log, Silent(), clock, StoreRetry(), "api-1")
    with deadline.within(0), pytest.raises(StoreUnavailable):
        delivery.confirm(CONVERSATION, BOB, [uuid4()], TRACE)
    assert log.records == []
