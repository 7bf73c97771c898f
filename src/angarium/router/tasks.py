"""Calls to ports, and how their results reach the worker's thread."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from angarium.clock import Clock
from angarium.domain.errors import Unavailable
from angarium.ports.message_log import DeadLetter
from angarium.router.conversation_queues import Batch
from angarium.router.offsets import OffsetTracker
from angarium.timeout_queue import TimeoutQueue


class Startable(ABC):
    """A call to a port that answers with a future."""

    @abstractmethod
    def start(self, on_end: Callable[[object], None]) -> None:
        """Make the call, without blocking; called again for each retry.

        Args:
            on_end: Add it to the port's future as a callback. It is
                cheap, and any thread may call it.
        """


AnyStartable = TypeVar("AnyStartable", bound=Startable)


class CompletionQueue(Generic[AnyStartable]):
    """Starts calls and returns those that have ended.

    A port's future completes on some thread of its engine. All that
    happens there is one `put` into a queue. The worker's thread waits
    on that queue whenever calls are in flight, and does the rest. So no
    other thread touches the router's state, and the end of a call does
    not wait for a poll to time out. Used only by the worker's thread.
    """

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        """Start with no calls in flight.

        Args:
            clock: Times the calls.
            timeout_s: A call without an answer fails after this time.
        """
        self._clock = clock
        self._tries = 0
        # Each attempt of a call has a number, so that a late answer to
        # an earlier one is recognized.
        self._running: TimeoutQueue[tuple[AnyStartable, int]] = TimeoutQueue(timeout_s)
        self._ended: SimpleQueue[tuple[tuple[AnyStartable, int], Exception | None]] = SimpleQueue()

    def __len__(self) -> int:
        """Return how many calls are in flight."""
        return len(self._running)

    def start(self, call: AnyStartable) -> None:
        """Start a call, or another attempt of one that ended.

        Args:
            call: Not in flight.
        """
        self._tries += 1
        attempt = (call, self._tries)
        self._running.add(attempt, self._clock.monotonic())
        put = self._ended.put
        try:
            call.start(lambda _: put((attempt, None)))
        except Exception as error:  # noqa: BLE001 - passed on, to be logged and retried like a failed future
            put((attempt, error))

    def take_completed(self, timeout_s: float) -> list[tuple[AnyStartable, Exception | None]]:
        """Return the calls that have ended, each attempt once.

        Args:
            timeout_s: Seconds to wait for the first; 0 does not wait.

        Returns:
            Each call with None when its future is done, or with the
            error that kept it from having one: Unavailable after the
            timeout. A late answer is ignored.
        """
        ended: list[tuple[AnyStartable, Exception | None]] = []
        try:
            attempt, error = (
                self._ended.get(timeout=timeout_s) if timeout_s > 0 else self._ended.get_nowait()
            )
            while True:
                if self._running.remove(attempt):
                    ended.append((attempt[0], error))
                attempt, error = self._ended.get_nowait()
        except Empty:
            return ended + self._take_timed_out()

    def _take_timed_out(self) -> list[tuple[AnyStartable, Exception | None]]:
        """Return the calls without an answer in time; forget them."""
        return [
            (call, Unavailable(f"no answer within {self._running.seconds:g} s"))
            for call, _ in self._running.pop_expired(self._clock.monotonic())
        ]


class Task(Startable):
    """A call that is retried until it succeeds or its assignment ends.

    Attributes:
        tracker: Of the partition whose offsets wait for
            it.
        batch: The batch that it applies; None for a dead letter, which
            belongs to no queue.
        attempts: How often it was started.
        retry_delays: Its own delays between attempts; None while it has
            not failed.
    """

    tracker: OffsetTracker
    batch: Batch | None = None
    attempts: int = 0
    retry_delays: Iterator[float] | None = None

    @abstractmethod
    def finish(self) -> Sequence[DeadLetter]:
        """Log the port's answer and finish the offsets that are done.

        Returns:
            Dead letters; the offsets of their records are finished only
            when these are durable.

        Raises:
            Exception: The failure of the port's future; nothing was
                finished then.
        """

    @abstractmethod
    def log_context(self) -> Mapping[str, object]:
        """Return the log fields that name the task.

        Returns:
            The ids of its first record.
        """
