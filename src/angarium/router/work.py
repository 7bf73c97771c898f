"""What must be done before an offset counts as finished."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence

from angarium.ports.message_log import DeadLetter
from angarium.router.calls import Startable
from angarium.router.lanes import Batch
from angarium.router.progress import OffsetTracker


class Task(Startable):
    """A call that is tried until it succeeds or its assignment is over.

    Attributes:
        progress: Of the partition whose offsets wait for it.
        batch: The lane's group that it applies, None when it belongs to no lane.
        attempts: How often it was begun.
        retry_delays: Its own waits between tries, None while it has not failed.
    """

    progress: OffsetTracker
    batch: Batch | None = None
    attempts: int = 0
    retry_delays: Iterator[float] | None = None

    @abstractmethod
    def finish(self) -> Sequence[DeadLetter]:
        """Take the answer of the port in: tell of it and finish the offsets that are done with.

        Returns:
            Dead letters whose offsets are finished only when those are durable.

        Raises:
            Exception: Whatever the port's future holds; nothing was finished then.
        """

    @abstractmethod
    def log_context(self) -> Mapping[str, object]:
        """Name the work in log lines.

        Returns:
            The ids of its first record.
        """
