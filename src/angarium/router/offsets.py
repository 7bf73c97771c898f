"""How far each assigned partition has been processed."""

from collections import deque
from collections.abc import Mapping

from angarium.ports.message_log import Assignment, Position


class OffsetTracker:
    """Tracks a partition's finished offsets and largest append time.

    Only the contiguous finished prefix may be committed, together with
    the largest append time up to its end (the watermark;
    docs/adr/0002). Used only by the worker's thread.

    Attributes:
        unfinished_bytes: Size of the records that are not yet in the
            finished prefix.
        revoked: True once the assignment is: nothing of it may be
            committed any more.
    """

    __slots__ = (
        "_committed",
        "_finished",
        "_next",
        "_prefix_end",
        "_prefix_watermark",
        "_taken",
        "_watermark",
        "revoked",
        "unfinished_bytes",
    )

    def __init__(self, start: Position) -> None:
        """Start at a committed position.

        Args:
            start: The next offset, and the largest append time before
                it.
        """
        self.revoked = False
        self.unfinished_bytes = 0
        self._next = self._prefix_end = self._committed = start.offset
        self._watermark = self._prefix_watermark = start.watermark
        self._taken: deque[tuple[int, int, int]] = deque()
        self._finished: set[int] = set()

    def __len__(self) -> int:
        """Return how many records are not in the finished prefix."""
        return len(self._taken)

    def record_taken(self, offset: int, timestamp: int, size: int = 0) -> int | None:
        """Note a record that was read, in the order of offsets.

        Args:
            offset: The record's offset.
            timestamp: The append time that the log gave it,
                milliseconds since the epoch; it may go back.
            size: Size of the record in bytes.

        Returns:
            The largest append time up to this record, which is its time
            for every reader; None when the record was read before.
        """
        if offset < self._next:
            return None
        self._next = offset + 1
        self._watermark = max(self._watermark, timestamp)
        self._taken.append((offset, self._watermark, size))
        self.unfinished_bytes += size
        return self._watermark

    def finish(self, offset: int) -> None:
        """Note that everything a record asks for is durable.

        Args:
            offset: The offset of a record that `record_taken` has seen.
        """
        taken = self._taken
        finished = self._finished
        finished.add(offset)
        while taken and taken[0][0] in finished:
            last, self._prefix_watermark, size = taken.popleft()
            self.unfinished_bytes -= size
            finished.remove(last)
            self._prefix_end = last + 1

    def uncommitted(self) -> Position | None:
        """Return the position that can be committed and is not yet.

        Returns:
            The end of the contiguous finished prefix and its watermark;
            None when nothing was finished since the last commit.
        """
        if self._prefix_end == self._committed:
            return None
        return Position(self._prefix_end, self._prefix_watermark)

    def record_committed(self, position: Position) -> None:
        """Note that a position was committed.

        Args:
            position: A position that `uncommitted` returned.
        """
        self._committed = position.offset


class AssignedPartitions:
    """The offset trackers of all current assignments.

    Used only by the worker's thread.
    """

    def __init__(self) -> None:
        """Start without assignments; a new consumer has none."""
        self._held: dict[Assignment, OffsetTracker] = {}

    def __getitem__(self, assignment: Assignment) -> OffsetTracker:
        """Return the tracker of a current assignment."""
        return self._held[assignment]

    @property
    def unfinished_records(self) -> int:
        """How many records are not yet in a finished prefix."""
        return sum(map(len, self._held.values()))

    @property
    def unfinished_bytes(self) -> int:
        """Size of those records in bytes, which backpressure limits."""
        return sum(tracker.unfinished_bytes for tracker in self._held.values())

    def assign(self, assignment: Assignment, start: Position) -> None:
        """Start to track a partition.

        Args:
            assignment: The new assignment.
            start: The position of its first record.
        """
        self._held[assignment] = OffsetTracker(start)

    def revoke(self, assignment: Assignment) -> OffsetTracker | None:
        """Stop tracking a partition; nothing of it is committed now.

        Args:
            assignment: The assignment that was taken away.

        Returns:
            The tracker of the assignment that has ended; None when it
            was not assigned.
        """
        tracker = self._held.pop(assignment, None)
        if tracker is not None:
            tracker.revoked = True
        return tracker

    def uncommitted(self) -> Mapping[Assignment, Position]:
        """Return the positions that can be committed and are not yet.

        Returns:
            The positions by assignment; empty when nothing was
            finished.
        """
        return {
            assignment: position
            for assignment, tracker in self._held.items()
            if (position := tracker.uncommitted()) is not None
        }

    def record_committed(self, positions: Mapping[Assignment, Position]) -> None:
        """Note that positions were committed.

        Args:
            positions: Positions that `uncommitted` returned.
        """
        for assignment, position in positions.items():
            self._held[assignment].record_committed(position)
