"""Events and records to hand to the router."""

from collections.abc import Sequence
from uuid import UUID, uuid4, uuid5

from angarium.domain.events import SCHEMA, Event, MessagesDelivered, NewMessage
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.ports.message_log import BEGINNING, Record
from angarium.router.offsets import OffsetTracker
from angarium.router.record_decoder import LogEntry

ALICE, BOB, CAROL = map(user_id_for, ("alice", "bob", "carol"))
ALICE_BOB = conversation_id_for(ALICE, BOB)
HEADERS = {"trace_id": b"0af7651916cd43dd8448eb211c80319c", "schema": SCHEMA.encode()}


def message_id_of(name: object) -> UUID:
    return uuid5(ALICE_BOB, str(name))


def message(
    content: str = "hello",
    sender: UUID = ALICE,
    recipient: UUID = BOB,
    message_id: UUID | None = None,
) -> NewMessage:
    conversation_id = conversation_id_for(sender, recipient)
    return NewMessage(
        uuid4(), conversation_id, 0, message_id or uuid4(), sender, recipient, content
    )


def receipt(
    message_ids: Sequence[UUID], recipient: UUID = BOB, other: UUID = ALICE
) -> MessagesDelivered:
    conversation_id = conversation_id_for(recipient, other)
    return MessagesDelivered(uuid4(), conversation_id, 0, recipient, tuple(message_ids))


def entry(event: Event, offset: int = 0, tracker: OffsetTracker | None = None) -> LogEntry:
    record = Record(0, offset, 0, str(event.conversation_id).encode(), b"", HEADERS)
    return LogEntry(
        event, record, 0, "trace", OffsetTracker(BEGINNING) if tracker is None else tracker, 0.0
    )
