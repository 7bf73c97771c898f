"""Clocks, which code gets as a parameter so that tests set them."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall-clock and monotonic time."""

    def now_ms(self) -> int:
        """Return the wall-clock time.

        Returns:
            Milliseconds since the epoch; may jump in both directions.
        """
        ...

    def monotonic(self) -> float:
        """Return a time that only rises, to measure time limits.

        Returns:
            Seconds since an arbitrary moment.
        """
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Implements `Clock.now_ms`."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Implements `Clock.monotonic`."""
        return time.monotonic()
