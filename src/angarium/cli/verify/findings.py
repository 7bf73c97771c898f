"""The ways in which a promise can be broken."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong."""

    LOST = "lost"
    DOUBLED = "doubled"
    REORDERED = "reordered"
    ALTERED = "altered"
    FALLEN = "fallen"
    UNDELIVERED = "undelivered"
    DISAGREEING = "disagreeing"
    UNREAD = "unread"
    UNANSWERED = "unanswered"


EXPLANATIONS = {
    Kind.LOST: "accepted, and not to be read",
    Kind.DOUBLED: "to be read more than once",
    Kind.REORDERED: "in front of what was accepted before",
    Kind.ALTERED: "with another text than was sent",
    Kind.FALLEN: "whose status, delivered_at or timestamp went back",
    Kind.UNDELIVERED: "confirmed, and not DELIVERED",
    Kind.DISAGREEING: "that readers read differently",
    Kind.UNREAD: "conversations that an instance did not give",
    Kind.UNANSWERED: "refused, or not accepted within the patience",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: The broken promise.
        text: What exactly, for a person; never a message's content.
    """

    kind: Kind
    text: str
