"""Which partitions a consumer holds, and under which tokens."""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import count

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition

from angarium.ports.message_log import Assignment, Position


@dataclass(frozen=True, slots=True)
class Rebalance:
    """One change of what is held.

    Attributes:
        revoked: Partitions that are no longer ours.
        assigned: Partitions that are ours from now on.
    """

    revoked: tuple[int, ...] = ()
    assigned: tuple[int, ...] = ()


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Takes notes on the library's own thread, while the consumer's
    thread waits in a poll.

    Nothing else is done there: a commit inside a listener raises, and a
    slow listener holds up heartbeats.
    """

    def __init__(self) -> None:
        """Begin with an empty page."""
        self.on_assigned: Callable[[Collection[TopicPartition]], None] | None = None
        self._changes: deque[Rebalance] = deque()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note what was given, and hold its records back until their
        position is known.

        Args:
            assigned: The partitions that were not held before.
        """
        if self.on_assigned is not None:
            self.on_assigned(assigned)
        self._changes.append(Rebalance(assigned=_numbers(assigned)))

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Note what was taken.

        Args:
            revoked: The partitions that go to somebody else.
        """
        self._changes.append(Rebalance(revoked=_numbers(revoked)))

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Note what was taken while we did not listen.

        Args:
            lost: The partitions that may be somebody else's already.
        """
        self._changes.append(Rebalance(revoked=_numbers(lost)))

    def read(self) -> list[Rebalance]:
        """Take the notes.

        Returns:
            What happened since the last call, in order.
        """
        return [self._changes.popleft() for _ in range(len(self._changes))]


def _numbers(partitions: Collection[TopicPartition]) -> tuple[int, ...]:
    return tuple(sorted(each.partition for each in partitions))


class AssignmentTracker:
    """The assignments of one consumer; used by its thread alone.

    A partition that was given is *starting* until its position is
    known; only then it is held.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._tokens = count(1)
        self._held: dict[int, Assignment] = {}
        self._committed: dict[Assignment, Position] = {}
        self._starting: set[int] = set()
        self._lost: list[Assignment] = []
        self._gained: dict[Assignment, Position] = {}

    @property
    def held(self) -> tuple[int, ...]:
        """The partitions whose records may flow."""
        return tuple(self._held)

    @property
    def starting(self) -> tuple[int, ...]:
        """The partitions whose position is yet to be learned."""
        return tuple(sorted(self._starting))

    def assign(self, partition: int) -> None:
        """Note that a partition was given.

        Args:
            partition: Which.
        """
        self._end(partition)
        self._starting.add(partition)

    def revoke(self, partition: int) -> None:
        """Note that a partition was taken.

        Args:
            partition: Which.
        """
        self._end(partition)
        self._starting.discard(partition)

    def restart(self, partition: int) -> None:
        """End a hold and begin a new one from the committed position,
        if the partition is held.

        Args:
            partition: Which.
        """
        if partition in self._held:
            self.assign(partition)

    def start(self, partition: int, position: Position) -> None:
        """Begin to hold a partition.

        Args:
            partition: Which.
            position: What is committed.
        """
        self._starting.discard(partition)
        assignment = Assignment(partition, next(self._tokens))
        self._held[partition] = assignment
        self._committed[assignment] = position
        self._gained[assignment] = position

    def assignment(self, partition: int) -> Assignment | None:
        """Find the hold on a partition.

        Args:
            partition: Which.

        Returns:
            The assignment in force, None when the partition is not
            held.
        """
        return self._held.get(partition)

    def ahead(self, positions: Mapping[Assignment, Position]) -> dict[Assignment, Position]:
        """Pick what is worth a commit.

        Args:
            positions: New positions.

        Returns:
            Those of assignments in force that go forward.
        """
        return {
            assignment: position
            for assignment, position in positions.items()
            if assignment in self._committed
            and position.offset > self._committed[assignment].offset
        }

    def committed(self, positions: Mapping[Assignment, Position]) -> None:
        """Note that positions were committed.

        Args:
            positions: Which.
        """
        self._committed.update(positions)

    def drain_changes(self) -> tuple[tuple[Assignment, ...], dict[Assignment, Position]]:
        """Tell what changed since the last call.

        Returns:
            What was lost, and what was gained with its position; what
            came and went in between is in neither.
        """
        lost, gained = tuple(self._lost), self._gained
        self._lost, self._gained = [], {}
        return lost, gained

    def _end(self, partition: int) -> None:
        assignment = self._held.pop(partition, None)
        if assignment is None:
            return
        del self._committed[assignment]
        if self._gained.pop(assignment, None) is None:
            self._lost.append(assignment)
