"""What must be done before an offset counts as finished."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from angarium.ports.message_log import DeadLetter
from angarium.router.calls import Call
from angarium.router.lanes import Group
from angarium.router.progress import PartitionProgress


class Work(Call):
    """A call that is tried until it succeeds or its assignment is over.

    Attributes:
        progress: Of the partition whose offsets wait for it.
        group: The lane's group that it applies, None when it belongs to no lane.
        attempts: How often it was begun.
        waits: Its own waits between tries, None while it has not failed.
    """

    progress: PartitionProgress
    group: Group | None = None
    attempts: int = 0
    waits: Iterator[float] | None = None

    @abstractmethod
    def conclude(self) -> Sequence[DeadLetter]:
        """Take the answer of the port in: tell of it and finish the offsets that are done with.

        Returns:
            Dead letters whose offsets are finished only when those are durable.

        Raises:
            Exception: Whatever the port's future holds; nothing was finished then.
        """

    @abstractmethod
    def about(self) -> Mapping[str, object]:
        """Name the work in log lines.

        Returns:
            The ids of its first record.
        """
