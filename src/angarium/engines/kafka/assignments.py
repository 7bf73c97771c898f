"""Which partitions a consumer holds, and under which assignments."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import count

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition

from angarium.ports.message_log import Assignment, Position


@dataclass(frozen=True, slots=True)
class Rebalance:
    """One change of the partitions that a consumer holds.

    Attributes:
        revoked: Partitions that this consumer has lost.
        assigned: Partitions that it holds from now on.
    """

    revoked: tuple[int, ...] = ()
    assigned: tuple[int, ...] = ()


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Collects rebalances on the library's thread for the consumer's.

    Nothing else is done there: a commit inside a listener raises, and a
    slow listener delays heartbeats (docs/adr/0017).

    Attributes:
        on_assigned: Called at once with new partitions, on the
            library's thread.
    """

    def __init__(self) -> None:
        """Start with no rebalance; `GroupClient` sets `on_assigned`."""
        self.on_assigned: Callable[[Collection[TopicPartition]], None] | None = None
        self._changes: deque[Rebalance] = deque()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note new partitions and hold their records back for now.

        Args:
            assigned: The partitions that were not held before.
        """
        if self.on_assigned is not None:
            self.on_assigned(assigned)
        self._changes.append(Rebalance(assigned=_numbers(assigned)))

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Note partitions that go to another consumer.

        Args:
            revoked: The partitions that this consumer gives up.
        """
        self._changes.append(Rebalance(revoked=_numbers(revoked)))

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Note partitions that were lost without a rebalance.

        Args:
            lost: Another consumer may hold them already.
        """
        self._changes.append(Rebalance(revoked=_numbers(lost)))

    def read(self) -> list[Rebalance]:
        """Return what happened since the last call, and forget it.

        Returns:
            The rebalances in their order.
        """
        return [self._changes.popleft() for _ in range(len(self._changes))]


def _numbers(partitions: Collection[TopicPartition]) -> tuple[int, ...]:
    """Return the partition numbers in order, without the topic."""
    return tuple(sorted(each.partition for each in partitions))


class AssignmentTracker:
    """The assignments of one consumer; used only by its thread.

    A partition that was assigned is *starting* until its position is
    known; only then it is held.
    """

    def __init__(self) -> None:
        """Start without any assignment."""
        self._tokens = count(1)
        self._held: dict[int, Assignment] = {}
        self._committed: dict[Assignment, Position] = {}
        self._starting: set[int] = set()
        self._lost: list[Assignment] = []
        self._gained: dict[Assignment, Position] = {}

    @property
    def held(self) -> tuple[int, ...]:
        """The partitions whose records may be polled."""
        return tuple(self._held)

    @property
    def starting(self) -> tuple[int, ...]:
        """The partitions whose committed position is not known yet."""
        return tuple(sorted(self._starting))

    def assign(self, partition: int) -> None:
        """Note that a partition was assigned; it is starting now.

        Args:
            partition: Its number; an assignment in force ends first.
        """
        self._end(partition)
        self._starting.add(partition)

    def revoke(self, partition: int) -> None:
        """Note that a partition was taken away.

        Args:
            partition: Its number.
        """
        self._end(partition)
        self._starting.discard(partition)

    def restart(self, partition: int) -> None:
        """End an assignment; start again at the committed position.

        Args:
            partition: Ignored when it is not held.
        """
        if partition in self._held:
            self.assign(partition)

    def start(self, partition: int, position: Position) -> None:
        """Hold a partition from a position on.

        Args:
            partition: One that is starting.
            position: The committed position.
        """
        self._starting.discard(partition)
        assignment = Assignment(partition, next(self._tokens))
        self._held[partition] = assignment
        self._committed[assignment] = position
        self._gained[assignment] = position

    def assignment(self, partition: int) -> Assignment | None:
        """Return the assignment in force of a partition.

        Args:
            partition: Its number.

        Returns:
            The assignment; None when the partition is not held.
        """
        return self._held.get(partition)

    def ahead(self, positions: Mapping[Assignment, Position]) -> dict[Assignment, Position]:
        """Return the positions that are worth a commit.

        Args:
            positions: New positions.

        Returns:
            Those that go forward, of assignments in force.
        """
        return {
            assignment: position
            for assignment, position in positions.items()
            if assignment in self._committed
            and position.offset > self._committed[assignment].offset
        }

    def record_committed(self, positions: Mapping[Assignment, Position]) -> None:
        """Note that positions were committed.

        Args:
            positions: Positions that `ahead` returned.
        """
        self._committed.update(positions)

    def drain_changes(self) -> tuple[tuple[Assignment, ...], dict[Assignment, Position]]:
        """Return what changed since the last call, and forget it.

        Returns:
            The lost assignments, and the new ones with their positions;
            an assignment that started and ended in between is in
            neither.
        """
        lost, gained = tuple(self._lost), self._gained
        self._lost, self._gained = [], {}
        return lost, gained

    def _end(self, partition: int) -> None:
        """End an assignment; it is lost only if it was reported."""
        assignment = self._held.pop(partition, None)
        if assignment is None:
            return
        del self._committed[assignment]
        if self._gained.pop(assignment, None) is None:
            self._lost.append(assignment)
