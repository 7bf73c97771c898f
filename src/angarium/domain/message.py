"""A message, its status and its positions."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

MAX_CONTENT_BYTES = 10_240
"""10 KB, the promised maximum of a text in UTF-8."""


class Status(StrEnum):
    """How far a message has come; it only rises, in this order."""

    PENDING = "PENDING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"


# Positions and messages are tuples because a page has a hundred of
# each: a frozen dataclass takes four times as long (docs/adr/0022).
class MessagePosition(NamedTuple):
    """The position of a message in its conversation, for ever.

    It is made from the position of its record in the log
    (docs/adr/0002).

    Attributes:
        timestamp: The partition's running maximum of append times,
            milliseconds since the epoch.
        offset: The record's offset in its partition; no two messages of
            a conversation share one.
    """

    timestamp: int
    offset: int


BEGINNING = MessagePosition(-1, -1)
"""A position before every message."""

LAST_OFFSET = 2**63 - 1
"""The greatest 64-bit offset, which no record has: a position with it
is the end of a millisecond.
"""


class Message(NamedTuple):
    """A message as it is stored.

    Attributes:
        message_id: The client's own id for it, or one made by the API.
        conversation_id: The conversation it belongs to.
        sender_id: Who wrote it.
        recipient_id: The other participant.
        content: The text, byte for byte as it was sent.
        position: Where it is in the conversation; `position.timestamp`
            is the time that readers see.
        status: How far it has come.
        delivered_at: When its first receipt was logged, milliseconds
            since the epoch; None before.
    """

    message_id: UUID
    conversation_id: UUID
    sender_id: UUID
    recipient_id: UUID
    content: str
    position: MessagePosition
    status: Status
    delivered_at: int | None = None


def status_when_stored(messages: Sequence[Message], online: Collection[UUID]) -> Sequence[Message]:
    """Change PENDING to SENT where the recipient is online.

    Presence affects nothing else (docs/adr/0010).

    Args:
        messages: As the worker stores them.
        online: The users who are online.

    Returns:
        The messages, in the same order.
    """
    if not online:
        return messages
    return [
        each._replace(status=Status.SENT)
        if each.status is Status.PENDING and each.recipient_id in online
        else each
        for each in messages
    ]


class InboxPosition(NamedTuple):
    """The position of a message in its recipient's inbox.

    Attributes:
        timestamp: Milliseconds since the epoch.
        conversation_id: Breaks ties, in the order of the id's text.
        offset: Breaks ties inside a conversation.
    """

    timestamp: int
    conversation_id: UUID
    offset: int
