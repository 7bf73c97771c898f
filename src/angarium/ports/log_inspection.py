"""Reading a log beside a running service, without joining its group.

Nothing here changes what a worker or a client sees: `trace`, `status`,
`audit`, `export` and `import` read through it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from angarium.ports.message_log import Position, Record

MAX_BYTES_AT_ONCE = 1024 * 1024
"""Maximum bytes of the values of one read, if it returns more than one
record: a command that reads a million records keeps one read of them.
"""


class OffsetRange(NamedTuple):
    """What a partition holds.

    Attributes:
        first: The offset of its first record that retention has left;
            equal to `end` when it holds none.
        end: The offset after its last record.
    """

    first: int
    end: int

    def next_offset(self, committed: Position) -> int:
        """Find where a group goes on.

        A commit beyond the end is that of a log which was lost. Nothing
        that is here was committed, and a worker begins with the first
        record.

        Args:
            committed: How far the group is; read before the range.

        Returns:
            The offset that is read next.
        """
        return self.first if committed.offset > self.end else committed.offset


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One live consumer of the group.

    Attributes:
        instance: The instance's name, as in its log lines.
        partitions: Those that it owns, ascending.
    """

    instance: str
    partitions: tuple[int, ...]


class LogInspector(Protocol):
    """Reads the log and the state of its group.

    Blocks within the deadline in force; used by one thread. Every
    method raises LogUnavailable when the log does not answer in time.
    """

    def ranges(self) -> Sequence[OffsetRange]:
        """Return what each partition holds.

        Returns:
            By partition. Every record before an `end` is durable, and
            what is appended later is at or after it.
        """
        ...

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """Read the next records of a partition.

        Args:
            partition: Which partition.
            offset: The first offset to read; before the first record it
                begins there.
            limit: The maximum number of records.

        Returns:
            In the order of offsets, as a worker's poll returns them,
            those with a `problem` too; at most MAX_BYTES_AT_ONCE of
            values. Empty only at the end of the partition.
        """
        ...

    def committed(self) -> Mapping[int, Position]:
        """Return how far the group has processed each partition.

        Returns:
            By partition; those without a commit are not in it.
        """
        ...

    def members(self) -> Sequence[GroupMember]:
        """Return the live consumers of the group.

        Returns:
            By instance; empty when no worker runs.
        """
        ...


class BuriedRecord(NamedTuple):
    """A record that has a dead letter.

    Attributes:
        partition: The record's own partition.
        offset: Its own offset.
        timestamp: The log's time of its append, milliseconds since the
            epoch.
        reason: As in `DeadLetter`.
        detail: As in `DeadLetter`.
    """

    partition: int
    offset: int
    timestamp: int
    reason: str
    detail: str


class DeadLetterInspector(Protocol):
    """Reads which records have a dead letter, without their content.

    Blocks within the deadline in force; used by one thread. Every
    method raises LogUnavailable when the log does not answer in time.
    """

    def walk(self) -> Iterator[BuriedRecord]:
        """Read all dead letters, a bounded part of them at a time.

        Each step blocks within the deadline that is then in force.

        Yields:
            Oldest first, up to those that were kept when the walk
            began; a record may come more than once.
        """
        ...

    def count(self) -> int:
        """Count the records that have a dead letter.

        A later call reads only what is new, and goes on where one ended
        that had too little time.

        Returns:
            Each record once.
        """
        ...

    def kept_since(self) -> int:
        """Return from which time on no dead letter was removed.

        A record that was appended then or later and has no dead letter
        never had one.

        Returns:
            Milliseconds since the epoch; 0 when none was ever removed.
        """
        ...
