"""A message as a program sees it."""

from dataclasses import dataclass
from datetime import datetime


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
