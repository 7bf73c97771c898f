"""What waits for the writer: bounded, and handed over all at once."""

import math
import threading
import time
from collections.abc import Callable, Sequence

from angarium.engines.embedded.write_kind import WriteBatch, WriteBatchSource

_ENOUGH = 32
"""Jobs that are worth a commit of their own, however deferrable they are."""


class WriteQueue:
    """Jobs between the threads that submit them and the one that writes."""

    def __init__(self, capacity: int, linger: float, spacing: float) -> None:
        self._capacity = capacity
        self._spacing = spacing
        self._linger = linger
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._closed = False
        self._urgent = False
        self._waiting: dict[WriteBatchSource, None] = {}
        self._count = 0
        self._waiting_since = 0.0
        self._running: Sequence[WriteBatch] = ()
        self._running_since = 0.0
        self._taken_at = -math.inf

    def admit(self, source: WriteBatchSource, add: Callable[[], None]) -> None:
        """Let one job in.

        Args:
            source: The job's kind.
            add: Adds it to the kind's own list.

        Raises:
            LogUnavailable: The queue is full or closed, and `source.unavailable` says so.
            StoreUnavailable: Likewise.
        """
        with self._lock:
            if self._closed:
                raise source.unavailable("the database is closed")
            if self._count >= self._capacity:
                raise source.unavailable(f"{self._count} writes are waiting already")
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting[source] = None
            self._count += 1
            add()
            hurries = not self._urgent and (not source.deferrable or self._count >= _ENOUGH)
            self._urgent = self._urgent or hurries
            if hurries or self._count == 1:
                self._news.notify()

    def take(self) -> Sequence[WriteBatch]:
        """Wait for jobs and take all of them; called by the writer alone.

        Patient jobs are left for a moment, so that they share the commit of whatever comes next; all are left
        until the commit before is a moment ago.

        Returns:
            A portion for each kind; nothing once the queue is closed and empty.
        """
        with self._lock:
            self._running = ()
            while (left := self._time_to_wait()) > 0:
                self._news.wait(left)
            self._running_since = self._waiting_since
            self._taken_at = time.monotonic()
            self._running = self._take_waiting()
            return self._running

    def overdue(self, patience: float) -> Sequence[WriteBatch]:
        """Find jobs whose callers have waited long enough; those not begun are taken out.

        Args:
            patience: Seconds since the oldest of them was submitted.

        Returns:
            Portions to fail; the writer may still complete those that it has begun.
        """
        latest = time.monotonic() - patience
        with self._lock:
            late: list[WriteBatch] = []
            if self._running and self._running_since < latest:
                late += self._running
            if self._waiting and self._waiting_since < latest:
                late += self._take_waiting()
            return late

    def close(self) -> None:
        """Let nothing in any more; what waits is still handed over."""
        with self._lock:
            self._closed = True
            self._news.notify_all()

    def _time_to_wait(self) -> float:
        if self._closed:
            return 0
        if not self._waiting:
            return threading.TIMEOUT_MAX
        due = self._waiting_since + (0 if self._urgent else self._linger)
        return max(due, self._taken_at + self._spacing) - time.monotonic()

    def _take_waiting(self) -> list[WriteBatch]:
        portions = [source.take() for source in self._waiting]
        self._waiting.clear()
        self._count = 0
        self._urgent = False
        return portions
