"""Failing at once for a partition that has just not answered."""

import threading

from angarium.clock import Clock

PROBE_S = 0.25
"""A partition that does not answer gets one record in this time as a
probe: its return is noticed soon, and few callers wait in vain.
"""

MAX_WAITING_PROBES = 8
"""With this many records waiting for such a partition no further probe
is sent: the library repeats those by itself.
"""


class CircuitBreaker:
    """Remembers for each partition whether the last record succeeded.

    Decided in docs/adr/0013. Used by any thread.
    """

    def __init__(self, partitions: int, clock: Clock) -> None:
        """Start closed: every partition counts as answering.

        Args:
            partitions: The partition count of the topic.
            clock: Times the probes.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._probe_at: list[float | None] = [None] * partitions
        self._failing_since: float | None = None

    def allows(self, partition: int, waiting: int) -> bool:
        """Return whether a record may be sent now.

        Args:
            partition: The record's partition.
            waiting: How many records wait for it already.

        Returns:
            False when the partition does not answer and no probe is
            due.
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
            self._probe_at[partition] = now + PROBE_S
            return True

    def record_success(self, partition: int) -> None:
        """Close the breaker of a partition: a record was acknowledged.

        Args:
            partition: The record's partition.
        """
        if self._probe_at[partition] is not None or self._failing_since is not None:
            with self._lock:
                self._probe_at[partition] = None
                self._failing_since = None

    def record_failure(self, partition: int) -> None:
        """Open the breaker of a partition: a record failed.

        Args:
            partition: The record's partition.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._probe_at[partition] is None:
                self._probe_at[partition] = now + PROBE_S
            if self._failing_since is None:
                self._failing_since = now

    def reset(self) -> None:
        """Close the breakers of all partitions, for a new producer."""
        with self._lock:
            self._probe_at = [None] * len(self._probe_at)
            self._failing_since = None

    def failing_for(self) -> float:
        """Return how long no record got through to any partition.

        Returns:
            Seconds since the first failure after the last success; 0
            when the last record succeeded.
        """
        since = self._failing_since
        return 0.0 if since is None else self._clock.monotonic() - since
