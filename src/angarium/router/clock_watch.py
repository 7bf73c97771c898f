"""Notice that message times are ahead of the clocks.

A clock of a broker (or of this machine) that was ahead leaves such
times in the log.
"""

from angarium import logs
from angarium.clock import Clock

AHEAD_MS = 1_000
"""Milliseconds. Clocks that NTP keeps in step differ by a few
milliseconds; a second is a fault of one, which readers notice.
"""

LOG_INTERVAL_S = 3_600.0
"""The warning is repeated once an hour for each partition while the
fault lasts: often enough to be seen, too rare to flood a log.
"""

_log = logs.get("angarium.router")


class ClockWatch:
    """Compares a partition's largest append time with the clocks.

    The largest append time never goes back. Once a broker's clock (or,
    on the embedded engine, this machine's) was ahead, every later
    message has a time in the future until the clocks have caught up.
    Nothing repairs that, and nothing else suffers from it.

    Used only by the worker's thread.
    """

    def __init__(self, clock: Clock) -> None:
        """Start with no partition reported.

        Args:
            clock: The clock of this machine, which append times are
                compared with.
        """
        self._clock = clock
        self._logged_at: dict[int, float] = {}

    def notice(self, partition: int, time_ms: int, appended_ms: int) -> None:
        """Compare the time of one record with the clocks.

        Args:
            partition: The record's partition.
            time_ms: The largest append time up to this record, which is
                the time that readers see.
            appended_ms: The append time that the log gave this record;
                negative when it is not known.
        """
        # The log's time, because a worker may read the record late;
        # this machine's, because the log's clock may still be ahead.
        now_ms = self._clock.now_ms()
        ahead_ms = time_ms - (min(now_ms, appended_ms) if appended_ms >= 0 else now_ms)
        if ahead_ms >= AHEAD_MS:
            self._log_ahead(partition, ahead_ms)

    def _log_ahead(self, partition: int, ahead_ms: int) -> None:
        """Log a warning, at most once an hour for each partition."""
        now = self._clock.monotonic()
        if now - self._logged_at.get(partition, float("-inf")) < LOG_INTERVAL_S:
            return
        self._logged_at[partition] = now
        _log.warning(
            "clock_ahead",
            f"A clock was ahead, or is: messages of partition {partition} get times that are "
            f"{ahead_ms / 1000:.1f} s ahead until the clocks have caught up. Their order is not "
            "affected.",
            partition=partition,
            ahead_ms=ahead_ms,
        )
