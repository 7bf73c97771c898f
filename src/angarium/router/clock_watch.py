"""Noticing that the time of messages is ahead, as a clock that was
ahead leaves it.
"""

from angarium import logs
from angarium.clock import Clock

AHEAD_MS = 1_000
"""Clocks of machines that are kept in step differ by a few
milliseconds; a second is a fault of one of them, and seen by readers.
"""

LOG_INTERVAL_S = 3_600.0
"""So often it is told of each partition, for as long as it lasts."""

_log = logs.get("angarium.router")


class ClockWatch:
    """Compares the running maximum of a partition's append times with
    the clocks.

    The maximum never goes back, so that once a broker's clock (or, on
    the embedded engine, this machine's) was ahead, every later message
    has a time in the future until the clocks have caught up. Nothing
    mends that, and nothing else suffers from it.

    Used by the worker's thread alone.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing told.

        Args:
            clock: This machine's.
        """
        self._clock = clock
        self._logged_at: dict[int, float] = {}

    def notice(self, partition: int, time_ms: int, appended_ms: int) -> None:
        """Take note of a record.

        Args:
            partition: Where it lies.
            time_ms: The running maximum at the record, its time for
                every reader.
            appended_ms: The log's own time of its append; negative
                where it is not known.
        """
        # The log's time, because a worker may come to it late; this
        # machine's, because the log's clock may still be ahead.
        now_ms = self._clock.now_ms()
        ahead_ms = time_ms - (min(now_ms, appended_ms) if appended_ms >= 0 else now_ms)
        if ahead_ms >= AHEAD_MS:
            self._log_ahead(partition, ahead_ms)

    def _log_ahead(self, partition: int, ahead_ms: int) -> None:
        """Write the line, unless it was written within the hour."""
        now = self._clock.monotonic()
        if now - self._logged_at.get(partition, float("-inf")) < LOG_INTERVAL_S:
            return
        self._logged_at[partition] = now
        _log.warning(
            "clock_ahead",
            f"Messages of partition {partition} get times that are {ahead_ms / 1000:.1f} s ahead, "
            "until the "
            "clocks have caught up: a clock was ahead, or is. Their order is not affected.",
            partition=partition,
            ahead_ms=ahead_ms,
        )
