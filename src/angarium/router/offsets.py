"""How far one partition has been worked through under one
assignment.
"""

from collections import deque
from collections.abc import Mapping

from angarium.ports.message_log import Assignment, Position


class OffsetTracker:
    """Keeps the offsets that are not finished, the contiguous prefix
    that is, and the running maximum.

    Used by the worker's thread alone.

    Attributes:
        unfinished_bytes: What the records take that are not in the
            finished prefix.
        over: True once the assignment was taken away: nothing of it may
            be committed any more.
    """

    __slots__ = (
        "_committed",
        "_finished",
        "_next",
        "_prefix_end",
        "_prefix_watermark",
        "_taken",
        "_watermark",
        "over",
        "unfinished_bytes",
    )

    def __init__(self, start: Position) -> None:
        self.over = False
        self.unfinished_bytes = 0
        self._next = self._prefix_end = self._committed = start.offset
        self._watermark = self._prefix_watermark = start.watermark
        self._taken: deque[tuple[int, int, int]] = deque()
        self._finished: set[int] = set()

    def __len__(self) -> int:
        return len(self._taken)

    def record_taken(self, offset: int, timestamp: int, size: int = 0) -> int | None:
        """Note a record, whatever is in it, in the order of offsets.

        Args:
            offset: The record's offset.
            timestamp: The log's time of its append, milliseconds since
                the epoch; may step back.
            size: How many bytes the record has.

        Returns:
            The running maximum of append times at this record, which is
            its time for every reader; None when the record was taken
            before.
        """
        if offset < self._next:
            return None
        self._next = offset + 1
        self._watermark = max(self._watermark, timestamp)
        self._taken.append((offset, self._watermark, size))
        self.unfinished_bytes += size
        return self._watermark

    def finish(self, offset: int) -> None:
        """Note that all that a record asks for is durable.

        Args:
            offset: The offset of a record that was taken.
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
        """Tell what can be committed and has not been.

        Returns:
            The end of the contiguous finished prefix with the watermark
            that holds there, or None.
        """
        if self._prefix_end == self._committed:
            return None
        return Position(self._prefix_end, self._prefix_watermark)

    def committed(self, position: Position) -> None:
        """Note that a position was committed.

        Args:
            position: What `uncommitted` gave.
        """
        self._committed = position.offset


class AssignedPartitions:
    """The progress of each live assignment; used by the worker's thread
    alone.
    """

    def __init__(self) -> None:
        self._held: dict[Assignment, OffsetTracker] = {}

    def __getitem__(self, assignment: Assignment) -> OffsetTracker:
        return self._held[assignment]

    @property
    def unfinished(self) -> int:
        """How many records were taken and do not belong to a finished
        prefix yet.
        """
        return sum(map(len, self._held.values()))

    @property
    def unfinished_bytes(self) -> int:
        """How many bytes those records have."""
        return sum(progress.unfinished_bytes for progress in self._held.values())

    def assign(self, assignment: Assignment, start: Position) -> None:
        """Begin to hold a partition.

        Args:
            assignment: What was given.
            start: From where its records come, with the watermark that
                holds there.
        """
        self._held[assignment] = OffsetTracker(start)

    def revoke(self, assignment: Assignment) -> OffsetTracker | None:
        """Hold a partition no longer: nothing of it is committed from
        now on.

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
