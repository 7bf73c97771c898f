"""What is known of one message, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.partitioning import partition_for


class Subject(NamedTuple):
    """What is traced, and in which log.

    Attributes:
        conversation_id: The conversation.
        message_id: The message.
        topic: The log's name.
        partitions: Its partition count.
    """

    conversation_id: UUID
    message_id: UUID
    topic: str
    partitions: int

    @property
    def partition(self) -> int:
        """The partition of the conversation."""
        return partition_for(str(self.conversation_id).encode(), self.partitions)

    def at(self, offset: int) -> str:
        """Name a record of the partition.

        Args:
            offset: The record's offset.

        Returns:
            Such as `messages[6]@813`.
        """
        return f"{self.topic}[{self.partition}]@{offset}"


class Missing(NamedTuple):
    """A part that is not there.

    Attributes:
        reason: Why, for a person.
    """

    reason: str


class RecordPosition(NamedTuple):
    """Where a record is.

    Attributes:
        partition: Of the topic.
        offset: In the partition.
    """

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Sent:
    """The message itself, from its row or else from its record.

    Attributes:
        message: As the API shows it; while it is not stored, its
            position has the watermark of its record.
        is_stored: Whether the store has it; its status means nothing
            before.
        sender: The sender's name, or the id where nobody has it.
        recipient: The recipient's name or id.
    """

    message: Message
    is_stored: bool
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The moment of the 202.

    Attributes:
        at: The log's time of the append, milliseconds since the epoch.
        instance: The API that appended the record; None when the record
            does not say.
        trace_id: Of the request; None when the record does not say.
    """

    at: int
    instance: str | None
    trace_id: str | None


class RecordState(Enum):
    """Whether the log has the message's record.

    Attributes:
        PRESENT: It does.
        EXPIRED: Not any more: the partition begins after it.
        IMPORTED: It never did: the message came with an import.
        LOST: It should, and does not.
    """

    PRESENT = "present"
    EXPIRED = "expired"
    IMPORTED = "imported"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """The message's record in the log.

    Attributes:
        position: Where it is, or was.
        state: Whether it is there.
        size_bytes: Of key, value and headers; None without a record.
        watermark: The running maximum of append times at the record,
            milliseconds since the epoch.
    """

    position: RecordPosition
    state: RecordState
    size_bytes: int | None
    watermark: int


@dataclass(frozen=True, slots=True)
class Applied:
    """How far the group has processed the partition.

    Attributes:
        partition: Which.
        committed: The next offset to process; None before the first
            commit.
        end: The offset after the last record.
        lag: How many records are not processed yet.
        owner: The instance that owns the partition; None without one.
    """

    partition: int
    committed: int | None
    end: int
    lag: int
    owner: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """The message's row.

    Attributes:
        position: In the conversation.
        status: As it is stored.
        index_agrees: Whether the index has the message at that
            position.
        replicas: The nodes that keep it.
        damage: What is wrong with its rows, for a person.
    """

    position: MessagePosition
    status: Status
    index_agrees: bool
    replicas: Sequence[str]
    damage: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Delivered:
    """The recipient's confirmation.

    Attributes:
        at: When it was logged, milliseconds since the epoch.
        receipt: Its record, or why there is none.
    """

    at: int
    receipt: RecordPosition | Missing


@dataclass(frozen=True, slots=True)
class Refusal:
    """The dead letter of a record with the message's id.

    Attributes:
        reason: As in `DeadLetter`.
        detail: As in `DeadLetter`.
        position: Of the record.
    """

    reason: str
    detail: str
    position: RecordPosition


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything that is known of one message.

    Attributes:
        message: The message.
        accepted: Its 202.
        record: Its record in the log.
        applied: How far the group is.
        stored: Its row.
        delivered: Its confirmation.
        duplicates: Offsets of further records with its id, by the same
            sender; None when the log cannot be read.
        refusals: Dead letters about its id, the most telling first.
        damage: What else is wrong, for a person.
        unavailable: Why log or store cannot be read, a line each.
    """

    message: Sent | Missing
    accepted: Accepted | Missing
    record: LogRecord | Missing
    applied: Applied | Missing
    stored: Stored | Missing
    delivered: Delivered | Missing
    duplicates: Sequence[int] | None
    refusals: Sequence[Refusal]
    damage: Sequence[str]
    unavailable: Sequence[str]
