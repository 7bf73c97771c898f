"""Time, so that it can be injected."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests hand in one that they move themselves."""

    def now_ms(self) -> int:
        """Tell the wall clock's time.

        Returns:
            Milliseconds since the epoch; may jump either way.
        """
        ...

    def monotonic(self) -> float:
        """Tell a time that only rises.

        Returns:
            Seconds since an arbitrary moment.
        """
        ...


class SystemClock:
    """The machine's own clocks."""

    def now_ms(self) -> int:
        """Tell the wall clock's time.

        Returns:
            Milliseconds since the epoch.
        """
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Tell a time that only rises.

        Returns:
            Seconds since an arbitrary moment.
        """
        return time.monotonic()
