"""Failing at once where the last answer was none."""

import threading

from angarium.clock import Clock

PROBE_SECONDS = 0.25
"""A partition that does not answer gets one record so often, to see
whether it is back.
"""

MAX_WAITING_PROBES = 8
"""With so many records waiting for such a partition no more are sent:
the library repeats those by itself.
"""


class CircuitBreaker:
    """Remembers, by partition, whether the last record got through;
    used by any thread.
    """

    def __init__(self, partitions: int, clock: Clock) -> None:
        """Begin with every partition answering.

        Args:
            partitions: How many.
            clock: Measures.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._probe_at: list[float | None] = [None] * partitions
        self._failing_since: float | None = None

    def allows(self, partition: int, waiting: int) -> bool:
        """Tell whether a record may be sent now.

        Args:
            partition: Where to.
            waiting: How many records are on their way there.

        Returns:
            False when the partition does not answer and there is no
            need for another try.
        """
        if self._probe_at[partition] is None:
            return True
        with self._lock:
            now = self._clock.monotonic()
            due = self._probe_at[partition]
            if due is None:
                return True
            if now < due or waiting >= MAX_WAITING_PROBES:
                return False
            self._probe_at[partition] = now + PROBE_SECONDS
            return True

    def record_success(self, partition: int) -> None:
        """Note that a record got through.

        Args:
            partition: Where to.
        """
        if self._probe_at[partition] is not None or self._failing_since is not None:
            with self._lock:
                self._probe_at[partition] = None
                self._failing_since = None

    def record_failure(self, partition: int) -> None:
        """Note that a record did not get through.

        Args:
            partition: Where to.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._probe_at[partition] is None:
                self._probe_at[partition] = now + PROBE_SECONDS
            if self._failing_since is None:
                self._failing_since = now

    def reset(self) -> None:
        """Begin anew with every partition answering."""
        with self._lock:
            self._probe_at = [None] * len(self._probe_at)
            self._failing_since = None

    def failing_for(self) -> float:
        """Tell how long nothing got through to any partition.

        Returns:
            Seconds since the first failure after the last success; 0
            when the last record got through.
        """
        since = self._failing_since
        return 0.0 if since is None else self._clock.monotonic() - since
