"""Reading a log beside a running service, without joining its group.

Nothing here changes what a worker or a client sees: `trace`, `status`,
`audit`, `export` and `import` read through it.
"""

from collections.abc import Mapping, Sequence
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
