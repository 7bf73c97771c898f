"""The log between the API and the worker: partitioned, ordered,
durable.
"""

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
        headers: `trace_id` and `schema`, as text.
    """

    key: bytes
    value: bytes
    headers: Mapping[str, str]


class Appended(NamedTuple):
    """Where a record came to lie.

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
    """A record as it is read back; nothing about its contents is
    certain.

    Attributes:
        partition: Where it lies.
        offset: Where it lies in the partition.
        timestamp: The log's own time of the append, milliseconds since
            the epoch.
        key: The key, None when the record has none.
        value: The value, None when the record has none.
        headers: All headers; the last of a repeated name. A value of
            None is no value, which differs from an empty one.
        problem: Why the record could not be decoded, for a person and
            without the content; None when it could. The rest is then
            what can be said of it, and the offset the last of those it
            stands for.
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
    """How far a partition has been worked through.

    Attributes:
        offset: The next offset to read.
        watermark: The running maximum of append times over all records
            before `offset`, milliseconds since the epoch; -1 when there
            was none. Travels with the commit, never derived from the
            store.
    """

    offset: int
    watermark: int = -1


BEGINNING = Position(0, -1)


@dataclass(frozen=True, slots=True)
class Assignment:
    """One consumer's hold on one partition, from when it was given
    until it is taken.

    Attributes:
        partition: Which partition.
        token: Differs between any two assignments of one consumer, so
            that work begun under an old one is told from work under a
            new one.
    """

    partition: int
    token: int


@dataclass(frozen=True, slots=True)
class Polled:
    """What one poll brought, to be handled in the order of the
    attributes.

    Attributes:
        lost: Assignments that are over: work under them must not be
            committed any more.
        gained: New assignments, each with the position from which its
            records will come.
        records: Per assignment, in the order of offsets, without a gap
            to what came before.
    """

    lost: tuple[Assignment, ...] = ()
    gained: Mapping[Assignment, Position] = field(default_factory=dict)
    records: Mapping[Assignment, Sequence[Record]] = field(default_factory=dict)


class MessageLog(Protocol):
    """Takes records; used by any thread."""

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Append a record durably, without blocking the caller.

        Records appended one after the other to one partition, each
        after the one before was acknowledged, keep that order for ever.

        Args:
            record: What to append.

        Returns:
            A future that holds the record's place once it is durable
            (fsynced, or on the replicas that the setting asks for), and
            LogUnavailable when that is not certain within the engine's
            bound; the record may then be there or not, but for
            RecordTooLarge, which says that it is not. The future never
            holds another error, and callbacks added to it must not
            block.

        Raises:
            LogUnavailable: At once, when the log can take nothing now;
                the record is not there.
        """
        ...

    def rested(self) -> None:
        """Take it that the caller has nothing more to append for the
        moment; never blocks or raises.

        Once a log has been told so, it may let records wait for each
        other while the caller goes on without a pause. What it promises
        of them does not change.
        """
        ...

    def check(self) -> None:
        """See whether the log takes records now, within the deadline in
        force and 1 s at most.

        Raises:
            LogUnavailable: It does not.
        """
        ...


class LogConsumer(Protocol):
    """Reads records for one worker of a group; owned by a single
    thread.
    """

    def poll(self, timeout: float) -> Polled:
        """Wait for news and keep the membership in the group alive.

        Every record is delivered at least once: it comes again, to this
        or another consumer, until a position behind it is committed. A
        partition is held by one live consumer of the group at a time;
        one that was silent for too long may not know yet that it lost
        its hold.

        Args:
            timeout: Seconds to wait when there is nothing; also while
                paused.

        Returns:
            What changed and what came; empty when nothing did.

        Raises:
            LogUnavailable: The log does not answer; poll again later.
        """
        ...

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        """Record durably how far partitions have been worked through.

        A position that the log refuses for good (the hold was lost)
        ends that assignment: the next poll tells it as lost, and as
        gained anew when the partition still comes here. Assignments
        that are over already are passed over silently.

        Args:
            positions: New positions; one that goes back changes
                nothing.

        Raises:
            LogUnavailable: Not certain; commit again after the next
                poll.
        """
        ...

    def pause(self) -> None:
        """Stop the flow of records of all partitions, present and
        coming; polls keep the membership alive.
        """
        ...

    def resume(self) -> None:
        """Let records flow again from where they stopped."""
        ...

    def close(self) -> None:
        """Leave the group within 5 s; never raises, safe to repeat."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be applied, with what a person needs to
    judge it.

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
        conversation_id: Of the event, for log lines; not kept, None
            when it could not be read.
        message_id: Of the event, or of the first message that it
            confirms in vain; as above.
    """

    reason: str
    detail: str
    record: Record
    trace_id: str
    conversation_id: UUID | None = field(default=None, compare=False)
    message_id: UUID | None = field(default=None, compare=False)


class DeadLetterLog(Protocol):
    """Keeps records that could not be applied; used by any thread."""

    def append(self, letter: DeadLetter) -> "Future[None]":
        """Keep a dead letter durably, without blocking the caller.

        Appending the same source position again is safe: readers see it
        at least once.

        Args:
            letter: What to keep.

        Returns:
            A future that is done once the letter is durable, and holds
            LogUnavailable when that is not certain; append it again
            then.

        Raises:
            LogUnavailable: At once, when the log can take nothing now.
        """
        ...

    def read(self, limit: int) -> Sequence[DeadLetter]:
        """Read the newest dead letters.

        Args:
            limit: At most so many.

        Returns:
            Newest first.

        Raises:
            LogUnavailable: The log does not answer.
        """
        ...
