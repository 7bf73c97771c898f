"""The log between the API and the worker (docs/adr/0001)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID


class NewRecord(NamedTuple):
    """A record to append.

    Attributes:
        key: Chooses the partition (`domain.partitioning`): the text of
            the conversation's id.
        value: The encoded event.
        headers: `trace_id`, `schema` and `instance`, as text.
    """

    key: bytes
    value: bytes
    headers: Mapping[str, str]


class Appended(NamedTuple):
    """The position that a record got.

    Attributes:
        partition: 0 to the partition count - 1.
        offset: Rises by record within a partition; gaps are possible.
        timestamp: The log's own time of the append, milliseconds since
            the epoch; may step back.
    """

    partition: int
    offset: int
    timestamp: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it is read back; its contents may be anything.

    Attributes:
        partition: The partition that it is in.
        offset: Its offset in the partition.
        timestamp: The log's own time of the append, milliseconds since
            the epoch.
        key: The key, None when the record has none.
        value: The value, None when the record has none.
        headers: All headers; the last of a repeated name. A value of
            None is no value, which differs from an empty one.
        problem: Why the record could not be decoded, for a person and
            without the content; None when it could. The other
            attributes are then what is known of it, and the offset is
            the last one that it covers.
    """

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes | None] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition has been processed.

    Attributes:
        offset: The next offset to read.
        watermark: The running maximum of append times over all records
            before `offset`, milliseconds since the epoch; -1 when there
            was none. It is part of the commit, never derived from the
            store (docs/adr/0002).
    """

    offset: int
    watermark: int = -1


BEGINNING = Position(0, -1)
"""Where a group starts that has committed nothing."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One consumer's hold on one partition, until it is revoked.

    Attributes:
        partition: Which partition.
        token: Differs between any two assignments of one consumer, so
            that work started under an old one is not taken for work
            under a new one (docs/adr/0017).
    """

    partition: int
    token: int


@dataclass(frozen=True, slots=True)
class PollResult:
    """The result of a poll, to be handled in the order of attributes.

    Attributes:
        lost: Assignments that have ended: work under them must not be
            committed any more.
        gained: New assignments, each with the position from which its
            records will come.
        records: Per assignment, in the order of offsets, without a gap
            after what came before.
    """

    lost: tuple[Assignment, ...] = ()
    gained: Mapping[Assignment, Position] = field(default_factory=dict)
    records: Mapping[Assignment, Sequence[Record]] = field(default_factory=dict)


class MessageLog(Protocol):
    """Accepts records; used by any thread."""

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Append a record durably, without blocking the caller.

        Records appended one after the other to one partition, each
        after the one before was acknowledged, keep that order for ever.

        Args:
            record: What to append.

        Returns:
            A future of the record's position, complete once the record
            is durable: flushed to disk, or on the replicas that the
            setting asks for (docs/adr/0015). It fails with
            LogUnavailable when that is not certain within the engine's
            time limit; the record may then be there or not, except for
            RecordTooLarge, which says that it is not. The future never
            has another error, and callbacks added to it must not block.

        Raises:
            LogUnavailable: At once, when the log cannot accept anything
                now; the record is not there.
        """
        ...

    def check(self) -> None:
        """Check whether the log accepts records now.

        It takes the deadline in force and 1 s at most.

        Raises:
            LogUnavailable: It does not.
        """
        ...


class LogConsumer(Protocol):
    """Reads records for one worker of a group.

    Owned by a single thread (docs/adr/0017).
    """

    def poll(self, timeout_s: float) -> PollResult:
        """Wait for records, and stay a member of the group.

        Every record is delivered at least once: it comes again, to this
        or another consumer, until a position after it is committed. A
        partition is held by one live consumer of the group at a time.
        One that was silent for too long may not know yet that it has
        lost its partition.

        Args:
            timeout_s: Seconds to wait when there is nothing; also while
                paused.

        Returns:
            Changed assignments and records; empty when there are none.

        Raises:
            LogUnavailable: The log does not answer; poll again later.
        """
        ...

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        """Record durably how far partitions have been processed.

        A position that the log refuses permanently (the partition was
        lost) ends that assignment: the next poll reports it as lost,
        and as gained again when the partition still belongs to this
        consumer. Assignments that have ended are ignored.

        Args:
            positions: New positions; one that goes back changes
                nothing.

        Raises:
            LogUnavailable: Not certain; commit again after the next
                poll.
        """
        ...

    def pause(self) -> None:
        """Stop the flow of records, for backpressure.

        It holds for all partitions, later ones too; polls still keep
        the membership.
        """
        ...

    def resume(self) -> None:
        """Let records flow again from where they stopped."""
        ...

    def close(self) -> None:
        """Leave the group within 5 s.

        It never raises, and is safe to repeat.
        """
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be applied, with what explains why.

    Attributes:
        reason: Stable, snake_case: `undecodable_event`, `key_mismatch`,
            `wrong_partition`, `message_id_conflict`, `unknown_message`,
            `not_recipient` or `internal_error`.
        detail: For a person, without the content.
        record: The record itself, byte for byte, with its position. One
            that is too large to be kept whole comes back without its
            value, or with nothing but its position; the detail says so.
        trace_id: The trace of the request that made it; the record's
            own position when it has none.
        conversation_id: Of the event, for log lines; not stored, None
            when it could not be read.
        message_id: Of the event, or of the first message that it
            confirms in vain; not stored.
    """

    reason: str
    detail: str
    record: Record
    trace_id: str
    conversation_id: UUID | None = field(default=None, compare=False)
    message_id: UUID | None = field(default=None, compare=False)


class DeadLetterLog(Protocol):
    """Keeps records that could not be applied.

    Used by any thread (docs/adr/0012).
    """

    def append(self, letter: DeadLetter) -> "Future[None]":
        """Keep a dead letter durably, without blocking the caller.

        Appending the same source position again is safe: readers see it
        at least once.

        Args:
            letter: What to keep.

        Returns:
            A future that completes once the letter is durable, or fails
            with LogUnavailable when that is not certain; append it
            again then.

        Raises:
            LogUnavailable: At once, when the log cannot accept anything
                now.
        """
        ...

    def read(self, limit: int) -> Sequence[DeadLetter]:
        """Read the newest dead letters.

        Args:
            limit: The maximum number of letters.

        Returns:
            Newest first.

        Raises:
            LogUnavailable: The log does not answer.
        """
        ...

    def find(self, partition: int, offset: int) -> DeadLetter | None:
        """Find the dead letter of a record, however old it is.

        Args:
            partition: The record's partition.
            offset: The record's offset.

        Returns:
            The newest one of that position; None when there is none.

        Raises:
            LogUnavailable: The log does not answer.
        """
        ...
