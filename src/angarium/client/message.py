"""A message as a program sees it."""

from dataclasses import dataclass
from datetime import datetime

from angarium.client.bodies import MessageBody


@dataclass(frozen=True, slots=True)
class Message:
    """A stored message.

    Attributes:
        message_id: Its id.
        conversation_id: The conversation that it is part of.
        sender: The username of who wrote it.
        sender_id: The same as an id.
        text: What was written, byte for byte.
        timestamp: The conversation's time for it, in UTC.
        status: `PENDING` (stored; the recipient was offline), `SENT`
            (stored; the recipient was online) or `DELIVERED` (the
            recipient confirmed it).
        delivered_at: When the recipient confirmed it, in UTC; None
            before.
    """

    message_id: str
    conversation_id: str
    sender: str
    sender_id: str
    text: str
    timestamp: datetime
    status: str
    delivered_at: datetime | None

    @property
    def is_delivered(self) -> bool:
        """Whether the recipient has confirmed it."""
        return self.status == "DELIVERED"


def name_sender(body: MessageBody, sender: str) -> Message:
    """Make a message of a body and its sender's name.

    Args:
        body: As the API shows it.
        sender: The username of `body.sender_id`.

    Returns:
        The message.
    """
    return Message(
        body.message_id,
        body.conversation_id,
        sender,
        body.sender_id,
        body.content,
        body.sent_at,
        body.status,
        body.delivered_at,
    )
