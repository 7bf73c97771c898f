"""What the log alone says that every reader must see."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from angarium.domain.errors import UndecodableEvent
from angarium.domain.events import Event, NewMessage, decode
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Record

LATER = 10**15


def watermark(records: Sequence[Record], offset: int) -> int:
    """The running maximum of append times before an offset."""
    return max((record.timestamp for record in records[:offset]), default=-1)


def history(
    records: Sequence[Record], partitions: int, offset: int = LATER
) -> dict[UUID, list[Message]]:
    """The messages of each conversation of a partition, in order; SENT
    and PENDING both read PENDING.
    """
    stored: dict[UUID, dict[UUID, Message]] = {}
    for record, event in _events(records[:offset], partitions):
        at = watermark(records, record.offset + 1)
        conversation = stored.setdefault(event.conversation_id, {})
        if isinstance(event, NewMessage):
            conversation.setdefault(
                event.message_id, _message(event, MessagePosition(at, record.offset))
            )
            continue
        for message_id in event.message_ids:
            known = conversation.get(message_id)
            if (
                known is None
                or known.recipient_id != event.recipient_id
                or known.delivered_at is not None
            ):
                continue
            conversation[message_id] = known._replace(status=Status.DELIVERED, delivered_at=at)
    return {
        conversation_id: list(messages.values()) for conversation_id, messages in stored.items()
    }


def dead(records: Sequence[Record], partitions: int) -> dict[int, str]:
    """The offsets of a partition that cannot be applied, with the
    reason of each.
    """
    reasons = {
        record.offset: "wrong_partition" if _is_astray(record, partitions) else "undecodable_event"
        for record in records
    }
    senders: dict[tuple[UUID, UUID], NewMessage] = {}
    for record, event in _events(records, partitions):
        reason = _refusal(event, senders)
        if reason is None:
            del reasons[record.offset]
        else:
            reasons[record.offset] = reason
    return reasons


def _refusal(event: Event, senders: dict[tuple[UUID, UUID], NewMessage]) -> str | None:
    conversation_id = event.conversation_id
    if isinstance(event, NewMessage):
        first = senders.setdefault((conversation_id, event.message_id), event)
        return None if first.sender_id == event.sender_id else "message_id_conflict"
    found = [senders.get((conversation_id, message_id)) for message_id in event.message_ids]
    if any(each is not None and each.recipient_id != event.recipient_id for each in found):
        return "not_recipient"
    return "unknown_message" if None in found else None


def _events(records: Sequence[Record], partitions: int) -> Iterator[tuple[Record, Event]]:
    for record in records:
        event = _event(record)
        if event is not None and not _is_astray(record, partitions):
            yield record, event


def _event(record: Record) -> Event | None:
    try:
        return decode(record.value or b"", (record.headers.get("schema") or b"").decode())
    except UndecodableEvent:
        return None


def _is_astray(record: Record, partitions: int) -> bool:
    return (
        _event(record) is not None
        and partition_for(record.key or b"", partitions) != record.partition
    )


def _message(event: NewMessage, position: MessagePosition) -> Message:
    return Message(
        event.message_id,
        event.conversation_id,
        event.sender_id,
        event.recipient_id,
        event.content,
        position,
        Status.PENDING,
    )
