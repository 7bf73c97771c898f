"""The ways in which a promise can be broken."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from angarium.client.bodies import MessageBody


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
    Kind.LOST: "accepted but missing when read back",
    Kind.DOUBLED: "read back more than once",
    Kind.REORDERED: "read back before a message that was accepted earlier",
    Kind.ALTERED: "read back with a different text",
    Kind.FALLEN: "whose status, delivered_at or timestamp went back",
    Kind.UNDELIVERED: "confirmed, but the status is not DELIVERED",
    Kind.DISAGREEING: "read differently through different instances",
    Kind.UNREAD: "conversations that an instance did not return",
    Kind.UNANSWERED: "refused, or not accepted within --patience",
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


RANKS: Mapping[str, int] = {"PENDING": 0, "SENT": 1, "DELIVERED": 2}


@dataclass(frozen=True, slots=True)
class Observation:
    """A message as it was read.

    Attributes:
        message_id: Its id.
        content: Its text.
        timestamp: Its place in time, as the API wrote it.
        status: `PENDING`, `SENT` or `DELIVERED`.
        delivered_at: When it was confirmed, as the API wrote it.
    """

    message_id: str
    content: str
    timestamp: str
    status: str
    delivered_at: str | None

    @classmethod
    def of(cls, message: MessageBody) -> "Observation":
        """Keep the fields that must not change, or only rise.

        Args:
            message: As it was read.

        Returns:
            The observation.
        """
        delivered_at = message.fields.get("delivered_at")
        return cls(
            message.message_id,
            message.content,
            str(message.fields.get("timestamp")),
            message.status,
            None if delivered_at is None else str(delivered_at),
        )


class Observations:
    """The latest observation of each message of one conversation.

    Each reading must begin after the one before it ended: only then is
    what is lower also fallen.
    """

    def __init__(self) -> None:
        """Begin with nothing observed."""
        self.findings: list[Finding] = []
        self._latest: dict[str, Observation] = {}

    def note(self, seen: Observation, url: str) -> None:
        """Compare an observation with the one before.

        Args:
            seen: What was read.
            url: Through which instance.
        """
        before = self._latest.get(seen.message_id)
        self._latest[seen.message_id] = seen
        if before is None:
            return
        for what, old, new in _find_fallen(before, seen):
            self.findings.append(
                Finding(Kind.FALLEN, f"{seen.message_id}: {what} was {old}, then {new} at {url}")
            )


def _find_fallen(before: Observation, seen: Observation) -> list[tuple[str, object, object]]:
    """List the fields that went back, with both values."""
    changes: list[tuple[str, object, object]] = []
    if RANKS.get(seen.status, -1) < RANKS.get(before.status, -1):
        changes.append(("status", before.status, seen.status))
    if before.delivered_at not in {None, seen.delivered_at}:
        changes.append(("delivered_at", before.delivered_at, seen.delivered_at))
    if before.timestamp != seen.timestamp:
        changes.append(("timestamp", before.timestamp, seen.timestamp))
    return changes
