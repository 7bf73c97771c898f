"""The partitions that are held now."""

from collections.abc import Mapping

from angarium.ports.message_log import Assignment, Position
from angarium.router.progress import OffsetTracker


class AssignedPartitions:
    """The progress of each live assignment; used by the worker's thread alone."""

    def __init__(self) -> None:
        self._held: dict[Assignment, OffsetTracker] = {}

    def __getitem__(self, assignment: Assignment) -> OffsetTracker:
        return self._held[assignment]

    @property
    def unfinished(self) -> int:
        """How many records were taken and do not belong to a finished prefix yet."""
        return sum(map(len, self._held.values()))

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes those records have."""
        return sum(progress.unfinished_bytes for progress in self._held.values())

    def assign(self, assignment: Assignment, start: Position) -> None:
        """Begin to hold a partition.

        Args:
            assignment: What was given.
            start: From where its records come, with the watermark that holds there.
        """
        self._held[assignment] = OffsetTracker(start)

    def revoke(self, assignment: Assignment) -> OffsetTracker | None:
        """Hold a partition no longer: nothing of it is committed from now on.

        Args:
            assignment: What was taken away.

        Returns:
            Its progress, which is over; None when it was not held.
        """
        progress = self._held.pop(assignment, None)
        if progress is not None:
            progress.over = True
        return progress

    def uncommitted(self) -> Mapping[Assignment, Position]:
        """Tell what can be committed and has not been.

        Returns:
            The positions by assignment, empty when nothing moved.
        """
        return {
            assignment: position
            for assignment, progress in self._held.items()
            if (position := progress.uncommitted()) is not None
        }

    def committed(self, positions: Mapping[Assignment, Position]) -> None:
        """Note that positions were committed.

        Args:
            positions: What `uncommitted` gave.
        """
        for assignment, position in positions.items():
            self._held[assignment].committed(position)
