"""Which partitions a consumer holds, and under which tokens."""

from collections.abc import Mapping
from itertools import count

from angarium.ports.message_log import Assignment, Position


class AssignmentTracker:
    """The assignments of one consumer; used by its thread alone.

    A partition that was given is *starting* until its position is known; only then it is held.
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
        """End a hold and begin a new one from the committed position, if the partition is held.

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
            The assignment in force, None when the partition is not held.
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
            if assignment in self._committed and position.offset > self._committed[assignment].offset
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
            What was lost, and what was gained with its position; what came and went in between is in neither.
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
