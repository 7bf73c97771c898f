"""Rows as the driver gives them, and the domain's objects in them."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message, Place, Status
from angarium.domain.user import User

Row = tuple[object, ...]
Rows = Sequence[Row]

MESSAGE_RANK = 0
RECEIPT_RANK = 1


def write_time(timestamp: int, rank: int = MESSAGE_RANK) -> int:
    """Give the write timestamp of a cell, a function of the log alone.

    Args:
        timestamp: The record's running maximum of append times, milliseconds.
        rank: 0 for a message, 1 for its receipt: of one millisecond, the receipt wins.

    Returns:
        Microseconds.
    """
    return timestamp * 1000 + rank


def message(row: Row) -> Message:
    """Read a row of `messages`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The message.
    """
    message_id, conversation_id, sender_id, recipient_id, content, timestamp, seq, status, delivered_at = cast(
        "tuple[UUID, UUID, UUID, UUID, str, int, int, str, int | None]", row
    )
    return Message(
        message_id,
        conversation_id,
        sender_id,
        recipient_id,
        content,
        Place(timestamp, seq),
        Status(status),
        delivered_at,
    )


def user(row: Row) -> User:
    """Read a row of `users`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The user.
    """
    return User(*cast("tuple[UUID, str, str, int]", row))


def conversation(row: Row) -> Conversation:
    """Read a row of `conversations`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The conversation.
    """
    conversation_id, participants, created_at = cast("tuple[UUID, list[UUID], int]", row)
    first, second = participants
    return Conversation(conversation_id, (first, second), created_at)


def indexed(row: Row) -> tuple[UUID, Place, UUID]:
    """Read a row of `message_index`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The message's id, its place and its sender.
    """
    message_id, timestamp, seq, sender_id = cast("tuple[UUID, int, int, UUID]", row)
    return message_id, Place(timestamp, seq), sender_id


def mark(row: Row) -> tuple[UUID, Place]:
    """Read a row of `delivery_marks`.

    Args:
        row: In the order of the statements' columns.

    Returns:
        The conversation's id and the mark.
    """
    conversation_id, timestamp, seq = cast("tuple[UUID, int, int]", row)
    return conversation_id, Place(timestamp, seq)
