"""How far the workers are, and whether log and store answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable, Unavailable, WrongTopic
from angarium.ports.log_inspection import (
    DeadLetterInspector,
    GroupMember,
    LogInspector,
    OffsetRange,
)
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import StoreInspector, StoreNode

READ_S = 5.0
"""Maximum time for the log, and for the store."""

COUNT_S = 20.0
"""Maximum time for counting dead letters, of which there may be many;
a count that was cut off goes on at the next reading.
"""

_NOBODY = UUID(int=0)
"""An id that no message has."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """How far the workers are in one partition.

    Attributes:
        partition: Which one.
        held: The offsets that it holds.
        committed: How far the group is; None when it has committed
            nothing.
        owner: The instance that works on it; None when there is none,
            or a rebalance is under way.
    """

    partition: int
    held: OffsetRange
    committed: Position | None
    owner: str | None

    @property
    def lag(self) -> int:
        """How many offsets the group has still to work through."""
        held, committed = self.held, self.committed
        return held.end - (held.first if committed is None else held.next_offset(committed))


@dataclass(frozen=True, slots=True)
class LogStatus:
    """What the log and the workers' group say.

    Attributes:
        partitions: In order.
        members: The workers that live.
    """

    partitions: Sequence[PartitionStatus]
    members: Sequence[GroupMember]

    @property
    def records(self) -> int:
        """How many records the log holds."""
        return sum(each.held.end - each.held.first for each in self.partitions)

    @property
    def lag(self) -> int:
        """The sum of all partitions' lag."""
        return sum(each.lag for each in self.partitions)


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """What the store says.

    Attributes:
        answers: Whether it could be read.
        nodes: As far as they are known; also of a store that does not
            answer.
        size_bytes: The size of its file; None where nodes keep their
            own.
    """

    answers: bool
    nodes: Sequence[StoreNode]
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """What could be read at one moment.

    Attributes:
        log: None when the log did not answer.
        dead_letters: How many records have one; None likewise.
        store: What the store says.
        problems: Why something is missing, in words for a person.
    """

    log: LogStatus | None
    dead_letters: int | None
    store: StoreStatus
    problems: Sequence[str]


class StatusReader:
    """Reads log and store, one after the other; used by one thread."""

    def __init__(
        self, log: LogInspector, dead_letters: DeadLetterInspector, store: StoreInspector
    ) -> None:
        """Put the parts together.

        Args:
            log: Reads the log and the workers' group.
            dead_letters: Counts the records that have a dead letter.
            store: Reads the store.
        """
        self._log = log
        self._dead_letters = dead_letters
        self._store = store

    def read(self) -> Status:
        """Read everything that answers.

        Returns:
            The status; a part that did not answer in time is missing
            in it.
        """
        problems: list[str] = []
        log = _answer(self._read_log, READ_S, LogUnavailable, problems)
        count = None
        if log is not None:
            # Without an answer to the first question there is no use in
            # waiting for a second one.
            count = _answer(self._dead_letters.count, COUNT_S, LogUnavailable, problems)
        return Status(log, count, self._read_store(problems), problems)

    def _read_log(self) -> LogStatus:
        """Read the group first: no commit is beyond the log's end."""
        members = self._log.members()
        committed = self._log.committed()
        owners = {
            partition: member.instance for member in members for partition in member.partitions
        }
        return LogStatus(_partitions(self._log.ranges(), committed, owners), members)

    def _read_store(self, problems: list[str]) -> StoreStatus:
        """Ask for the nodes, then look a row up.

        Nodes may be known although too few of them answer.

        Returns:
            What is known.
        """
        nodes = _answer(self._store.nodes, READ_S, StoreUnavailable, problems)
        if nodes is None:
            return StoreStatus(False, (), None)
        read = _answer(
            lambda: (self._store.find(_NOBODY, _NOBODY), self._store.size_bytes()),
            READ_S,
            StoreUnavailable,
            problems,
        )
        return StoreStatus(read is not None, nodes, read[1] if read is not None else None)


def _partitions(
    ranges: Sequence[OffsetRange], committed: Mapping[int, Position], owners: Mapping[int, str]
) -> list[PartitionStatus]:
    """Put together what is known of each partition."""
    return [
        PartitionStatus(partition, held, committed.get(partition), owners.get(partition))
        for partition, held in enumerate(ranges)
    ]


def _answer(
    read: Callable[[], Result], seconds: float, on: type[Unavailable], problems: list[str]
) -> Result | None:
    """Return an answer, or None and add the problem."""
    try:
        with within(seconds):
            return read()
    except WrongTopic:
        # No answer is wrong, the settings are.
        raise
    except on as error:
        problems.append(str(error))
        return None
