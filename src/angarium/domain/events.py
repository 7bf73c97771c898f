"""The events in the log, and their versioned form in bytes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from json.encoder import encode_basestring as quoted
from typing import NamedTuple, cast
from uuid import UUID

from angarium.domain.content import content_problem
from angarium.domain.errors import UndecodableEvent
from angarium.domain.identifiers import new_text_of, parse_uuid, recurring_uuid, text_of
from angarium.domain.message import Message, MessagePosition, Status

SCHEMA = "1"
"""The version of the form below, in the record's `schema` header."""

NEW_MESSAGE = "NEW_MESSAGE"
MESSAGES_DELIVERED = "MESSAGES_DELIVERED"
MAX_RECEIPT_IDS = 100
"""The most messages of one receipt: as many as a page has."""

_ReadUuid = Callable[[str], UUID | None]


class NewMessage(NamedTuple):
    """A message was accepted.

    Attributes:
        event_id: Of this event; a retry of the same message is another
            event.
        conversation_id: The partition key (docs/adr/0014).
        timestamp: When the API made the event, milliseconds since the
            epoch; never used for ordering (docs/adr/0002).
        message_id: The message's own id.
        sender_id: Who wrote it.
        recipient_id: The other participant.
        content: The text.
    """

    event_id: UUID
    conversation_id: UUID
    timestamp: int
    message_id: UUID
    sender_id: UUID
    recipient_id: UUID
    content: str


def stored_message(event: NewMessage, watermark: int, offset: int) -> Message:
    """Return the message that an event asks to store.

    Args:
        event: As it was appended.
        watermark: The largest append time up to its record,
            milliseconds since the epoch.
        offset: The record's.

    Returns:
        The message, at its position and PENDING.
    """
    return Message(
        event.message_id,
        event.conversation_id,
        event.sender_id,
        event.recipient_id,
        event.content,
        MessagePosition(watermark, offset),
        Status.PENDING,
    )


@dataclass(frozen=True, slots=True)
class MessagesDelivered:
    """The recipient's client confirmed messages.

    Attributes:
        event_id: Of this event.
        conversation_id: The partition key, so that a receipt comes
            after its message.
        timestamp: When the API made the event, milliseconds since the
            epoch.
        recipient_id: Who confirmed.
        message_ids: 1 to 100 distinct ids.
    """

    event_id: UUID
    conversation_id: UUID
    timestamp: int
    recipient_id: UUID
    message_ids: tuple[UUID, ...]


Event = NewMessage | MessagesDelivered


def encode(event: Event) -> bytes:
    """Encode an event as bytes.

    Args:
        event: What happened.

    Returns:
        One JSON object in UTF-8, which `decode` reads back to an equal
        event.
    """
    # Written without an encoder, which takes three times as long: every
    # message passes here (docs/adr/0022).
    recipient_id = text_of(event.recipient_id)
    if isinstance(event, NewMessage):
        kind = NEW_MESSAGE
        payload = (
            f'{{"message_id":"{new_text_of(event.message_id)}","sender_id":"{text_of(event.sender_id)}",'
            f'"recipient_id":"{recipient_id}","content":{quoted(event.content)}}}'
        )
    else:
        kind = MESSAGES_DELIVERED
        ids = ",".join([f'"{message_id}"' for message_id in event.message_ids])
        payload = f'{{"recipient_id":"{recipient_id}","message_ids":[{ids}]}}'
    return (
        f'{{"event_id":"{event.event_id}","event_type":"{kind}","conversation_id":"{text_of(event.conversation_id)}",'
        f'"timestamp":{event.timestamp},"payload":{payload}}}'
    ).encode()


def decode(value: bytes, schema: str) -> Event:
    """Decode an event from bytes.

    Args:
        value: The record's value.
        schema: The record's `schema` header.

    Returns:
        The event.

    Raises:
        UndecodableEvent: The schema is unknown, or the bytes are no
            event of it; the message says which part (docs/adr/0012).
    """
    if schema != SCHEMA:
        raise UndecodableEvent(f"unknown schema {schema[:32]!r}; this version reads {SCHEMA!r}")
    try:
        document: object = json.loads(value.decode())
    except (ValueError, RecursionError) as error:
        raise UndecodableEvent(f"not JSON in UTF-8: {type(error).__name__}") from error
    fields = _mapping(document, "event")
    payload = _mapping(fields.get("payload"), "payload")
    event_id = _uuid(fields, "event_id")
    conversation_id = _uuid(fields, "conversation_id", recurring_uuid)
    timestamp = _timestamp(fields)
    kind = fields.get("event_type")
    if kind == NEW_MESSAGE:
        return NewMessage(
            event_id,
            conversation_id,
            timestamp,
            _uuid(payload, "message_id"),
            _uuid(payload, "sender_id", recurring_uuid),
            _uuid(payload, "recipient_id", recurring_uuid),
            _content(payload),
        )
    if kind == MESSAGES_DELIVERED:
        recipient_id = _uuid(payload, "recipient_id", recurring_uuid)
        return MessagesDelivered(
            event_id, conversation_id, timestamp, recipient_id, _message_ids(payload)
        )
    raise UndecodableEvent("event_type is not one that this version knows")


def _mapping(value: object, name: str) -> dict[str, object]:
    """Return a JSON object, or refuse the event."""
    if not isinstance(value, dict):
        raise UndecodableEvent(f"{name} is not an object")
    return cast("dict[str, object]", value)


def _uuid(fields: dict[str, object], name: str, read: _ReadUuid = parse_uuid) -> UUID:
    """Return the id in a field; `read` may reuse known ids."""
    return _as_uuid(fields.get(name), name, read)


def _as_uuid(value: object, name: str, read: _ReadUuid = parse_uuid) -> UUID:
    """Return an id from any JSON value, or refuse the event."""
    parsed = read(value) if isinstance(value, str) else None
    if parsed is None:
        raise UndecodableEvent(f"{name} is not a UUID")
    return parsed


def _timestamp(fields: dict[str, object]) -> int:
    """Return the event's time; `true` is an int, but no time."""
    value = fields.get("timestamp")
    if type(value) is not int:
        raise UndecodableEvent("timestamp is not an integer")
    return value


def _content(payload: dict[str, object]) -> str:
    """Return the text, judged by the same rules as a request's."""
    value = payload.get("content")
    if not isinstance(value, str):
        raise UndecodableEvent("content is not a string")
    problem = content_problem(value)
    if problem is not None:
        raise UndecodableEvent(f"content breaks the rules of a text: {problem.code}")
    return value


def _message_ids(payload: dict[str, object]) -> tuple[UUID, ...]:
    """Return 1 to 100 ids, each once."""
    value = payload.get("message_ids")
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_RECEIPT_IDS:
        raise UndecodableEvent(f"message_ids is not a list of 1 to {MAX_RECEIPT_IDS} ids")
    return tuple(dict.fromkeys(_as_uuid(item, "message_ids") for item in value))
