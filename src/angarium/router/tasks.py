"""Calls to ports that are under way, and how their ends reach the
worker's thread.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from angarium.clock import Clock
from angarium.domain.errors import Unavailable
from angarium.ports.message_log import DeadLetter
from angarium.router.conversation_queues import Batch
from angarium.router.offsets import OffsetTracker


class Startable(ABC):
    """Something asked of a port, which answers with a future."""

    @abstractmethod
    def start(self, on_end: Callable[[object], None]) -> None:
        """Ask, without blocking; called again for another try.

        Args:
            on_end: To be added to the port's future as its callback;
                cheap, any thread may call it.
        """


AnyStartable = TypeVar("AnyStartable", bound=Startable)


class CompletionQueue(Generic[AnyStartable]):
    """Starts calls and hands back those that ended; used by the
    worker's thread alone.

    A port's future completes on some thread of its engine. All that
    happens there is one `put` into a queue without locks of ours; the
    worker's thread, which waits on that queue whenever calls are under
    way, does the rest. So nothing of the router is touched by two
    threads, and no end of a call waits for a poll to time out.
    """

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self._tries = 0
        # In the order of starting, which is the order of giving up:
        # every call has the same bound.
        self._running: dict[AnyStartable, tuple[int, float]] = {}
        self._ended: SimpleQueue[tuple[AnyStartable, int, Exception | None]] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, call: AnyStartable) -> None:
        """Begin a call, or another try of one that ended.

        Args:
            call: Not under way.
        """
        self._tries = this_try = self._tries + 1
        self._running[call] = (this_try, self._clock.monotonic() + self._timeout_s)
        put = self._ended.put
        try:
            call.start(lambda _: put((call, this_try, None)))
        except Exception as error:  # noqa: BLE001 - handed over below, to be told and tried again like a failed future
            put((call, this_try, error))

    def take_completed(self, timeout_s: float) -> list[tuple[AnyStartable, Exception | None]]:
        """Give the calls that ended since the last time, each try once.

        Args:
            timeout_s: Seconds to wait for the first one; 0 does not wait.

        Returns:
            Each call with None when its future is done, or with what it
            failed with before it had one: Unavailable when the answer
            is late. A late answer is ignored when it comes.
        """
        ended: list[tuple[AnyStartable, Exception | None]] = []
        try:
            call, this_try, error = (
                self._ended.get(timeout=timeout_s) if timeout_s > 0 else self._ended.get_nowait()
            )
            while True:
                if self._running.get(call, (0, 0.0))[0] == this_try:
                    del self._running[call]
                    ended.append((call, error))
                call, this_try, error = self._ended.get_nowait()
        except Empty:
            return ended + self._take_timed_out()

    def _take_timed_out(self) -> list[tuple[AnyStartable, Exception | None]]:
        timed_out: list[tuple[AnyStartable, Exception | None]] = []
        now = self._clock.monotonic()
        for call, (_, expires_at) in self._running.items():
            if expires_at > now:
                break
            timed_out.append((call, Unavailable(f"no answer within {self._timeout_s:g} s")))
        for call, _ in timed_out:
            del self._running[call]
        return timed_out


class Task(Startable):
    """A call that is tried until it succeeds or its assignment is over.

    Attributes:
        progress: Of the partition whose offsets wait for it.
        batch: The lane's group that it applies, None when it belongs to
            no lane.
        attempts: How often it was begun.
        retry_delays: Its own waits between tries, None while it has not
            failed.
    """

    progress: OffsetTracker
    batch: Batch | None = None
    attempts: int = 0
    retry_delays: Iterator[float] | None = None

    @abstractmethod
    def finish(self) -> Sequence[DeadLetter]:
        """Take the answer of the port in: tell of it and finish the
        offsets that are done with.

        Returns:
            Dead letters whose offsets are finished only when those are
            durable.

        Raises:
            Exception: Whatever the port's future holds; nothing was
                finished then.
        """

    @abstractmethod
    def log_context(self) -> Mapping[str, object]:
        """Name the work in log lines.

        Returns:
            The ids of its first record.
        """
