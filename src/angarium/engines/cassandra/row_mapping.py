"""The driver's rows, and the domain's objects made from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, cast
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.engines.cassandra.delivered_ranges import DeliveredRange, DeliveredRanges
from angarium.ports.store_inspection import NO_ID, IndexRow

Row = tuple[object, ...]
Rows = Sequence[Row]

RangeValues = tuple[int, int, int, int]

_STATUSES = {status.value: status for status in Status}
"""A look-up is faster than `Status(value)`; a page has a hundred."""

MAX_CACHED_IDS = 65_536
"""Ids of the users and conversations of recent pages."""

MESSAGE_RANK = 0
RECEIPT_RANK = 1
"""See `write_time`."""


class MessageState(NamedTuple):
    """A message without its text, which most reads do without.

    Attributes:
        message_id: Its id.
        recipient_id: To whom it was sent.
        position: Its position in the conversation.
        status: How far it has come.
    """

    message_id: UUID
    recipient_id: UUID
    position: MessagePosition
    status: Status


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """What is known of the messages to a user in one conversation.

    Attributes:
        conversation_id: Which conversation.
        newest: The position of the newest message to the user.
        delivered: Up to here every message to the user is DELIVERED.
        ranges: Where nothing waits either, after that position.
    """

    conversation_id: UUID
    newest: MessagePosition
    delivered: MessagePosition
    ranges: DeliveredRanges


@lru_cache(MAX_CACHED_IDS)
def _identifier(raw: bytes) -> UUID:
    """Make an id from 16 bytes, or reuse the one made before."""
    return UUID(bytes=raw)


def write_time(timestamp: int, rank: int = MESSAGE_RANK) -> int:
    """Return a cell's write timestamp, made from the log alone.

    Repeated writes therefore have the same timestamp, whichever worker
    makes them (docs/adr/0003).

    Args:
        timestamp: The record's running maximum of append times,
            milliseconds.
        rank: 0 for a message, 1 for its receipt: within one
            millisecond, the receipt wins.

    Returns:
        Microseconds.
    """
    return timestamp * 1000 + rank


def message(row: Row) -> Message:
    """Make a message from a row of `messages`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The message, with its text.
    """
    (
        message_id,
        conversation_id,
        sender_id,
        recipient_id,
        content,
        timestamp,
        seq,
        status,
        delivered_at,
    ) = cast("tuple[UUID, bytes, bytes, bytes, bytes, int, int, str, int | None]", row)
    return Message(
        message_id,
        _identifier(conversation_id),
        _identifier(sender_id),
        _identifier(recipient_id),
        content.decode(),
        MessagePosition(timestamp, seq),
        _STATUSES[status],
        delivered_at,
    )


def any_message(row: Row) -> Message:
    """Make a message from a row of `messages` that may be damaged.

    Args:
        row: In the order of the statements' columns; any value but the
            key's may be missing.

    Returns:
        The message as `StoreInspector` promises it.
    """
    message_id, conversation_id, sender, recipient, content, timestamp, seq, status, at = row
    nobody = NO_ID.bytes
    whole = (sender or nobody, recipient or nobody, content or b"")
    known = status if status in _STATUSES else Status.PENDING.value
    return message((message_id, conversation_id, *whole, timestamp, seq, known, at))


def state(row: Row) -> MessageState:
    """Make a message's state from a row of `messages`.

    Args:
        row: In the order of the statements' columns; others may follow.

    Returns:
        The message without its text.
    """
    message_id, recipient_id, timestamp, seq, status = cast(
        "tuple[UUID, UUID, int, int, str]", row[:5]
    )
    return MessageState(
        message_id, recipient_id, MessagePosition(timestamp, seq), _STATUSES[status]
    )


def state_position(row: Row) -> MessagePosition:
    """Take the position from a row of `messages`.

    Args:
        row: As for `state`; any value but the key's may be missing.

    Returns:
        The message's position.
    """
    _, _, timestamp, seq, *_ = cast("tuple[UUID, UUID, int, int]", row)
    return MessagePosition(timestamp, seq)


def waits_for(user_id: UUID, message: Message | MessageState) -> bool:
    """Say whether a user has not confirmed a message yet.

    Args:
        user_id: Any user.
        message: The message.

    Returns:
        True for its recipient, before it is DELIVERED.
    """
    return message.recipient_id == user_id and message.status is not Status.DELIVERED


def user(row: Row) -> User:
    """Make a user from a row of `users`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The user.
    """
    return User(*cast("tuple[UUID, str, str, int]", row))


def conversation(row: Row) -> tuple[Conversation, UUID]:
    """Make a conversation from a row of `conversations`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The conversation, and the claim of the caller that created it.
    """
    conversation_id, participants, created_at, claim = cast(
        "tuple[UUID, list[UUID], int, UUID]", row
    )
    first, second = participants
    return Conversation(conversation_id, (first, second), created_at), claim


def indexed(row: Row) -> tuple[UUID, MessagePosition, UUID]:
    """Take a row of `message_index` apart.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The message's id, its position and its sender.
    """
    message_id, timestamp, seq, sender_id = cast("tuple[UUID, int, int, UUID]", row)
    return message_id, MessagePosition(timestamp, seq), sender_id


def index_row(row: Row) -> IndexRow:
    """Make an index row from one that may be damaged.

    Args:
        row: In the order of the statements' columns; any value but the
            key's may be missing.

    Returns:
        The row as `StoreInspector` promises it.
    """
    message_id, timestamp, seq, sender_id = cast("tuple[UUID, int, int, UUID | None]", row)
    return IndexRow(message_id, _position(timestamp, seq), sender_id or NO_ID)


def inbox_entry(row: Row) -> InboxEntry:
    """Make an entry from a row of `inboxes`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The entry; a position that was never written is the beginning.
    """
    conversation_id, newest, newest_seq, delivered, delivered_seq, known = cast(
        "tuple[UUID, int | None, int | None, int | None, int | None, list[RangeValues] | None]",
        row,
    )
    return InboxEntry(
        conversation_id,
        _position(newest, newest_seq),
        _position(delivered, delivered_seq),
        tuple(
            DeliveredRange(MessagePosition(*values[:2]), MessagePosition(*values[2:]))
            for values in known or ()
        ),
    )


def range_values(known: DeliveredRanges) -> list[RangeValues]:
    """Return ranges as the column of `inboxes` has them.

    Args:
        known: In order.

    Returns:
        The timestamps and offsets of each begin and end.
    """
    return [
        (each.begin.timestamp, each.begin.offset, each.end.timestamp, each.end.offset)
        for each in known
    ]


def _position(timestamp: int | None, seq: int | None) -> MessagePosition:
    """Return a position, the beginning where it was never written."""
    return BEGINNING if timestamp is None or seq is None else MessagePosition(timestamp, seq)
