"""One of many equal lines in a while, with the number of those it
stands for.
"""

import threading
import time
from collections.abc import Callable, Mapping

from angarium.logs.libraries import PERIOD_SECONDS

_FIRST: Mapping[str, object] = {}


class Repeats:
    """Says which of many equal lines is worth a WARNING; used by any
    thread.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, period: float = PERIOD_SECONDS
    ) -> None:
        """Begin with none told.

        Args:
            clock: Tells seconds since an arbitrary moment.
            period: Seconds between two lines of a kind.
        """
        self._clock = clock
        self._period = period
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, int]] = {}

    def fields(self, kind: str = "") -> Mapping[str, object] | None:
        """Take note of a line that is about to be written.

        Args:
            kind: What it is about; there must be few.

        Returns:
            What the line carries beside its own: nothing, or `repeats`,
            how many have been left out before it. None when it is to be
            left out, which it is as a DEBUG line.
        """
        with self._lock:
            now = self._clock()
            told_at, left_out = self._told.get(kind, (float("-inf"), 0))
            if now - told_at < self._period:
                self._told[kind] = told_at, left_out + 1
                return None
            self._told[kind] = now, 0
        return {"repeats": left_out} if left_out else _FIRST


EVERY_SECONDS = 10.0
"""How long what repeats is added up: a flood of anything writes six
lines a minute.
"""


class Tally:
    """Counts until it is time to tell: the first at once, the next ones
    together; used by one thread.
    """

    __slots__ = ("_count", "_every", "_tell_after")

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        """Begin with nothing to tell.

        Args:
            every: Seconds between two lines.
        """
        self._count = 0
        self._every = every
        self._tell_after = float("-inf")

    def add(self, times: int = 1) -> None:
        """Count what happened.

        Args:
            times: How often.
        """
        self._count += times

    def due(self, now: float) -> int:
        """Take what is to be told now.

        Args:
            now: The monotonic clock's seconds; infinity where there
                will be no later moment.

        Returns:
            How often it happened since the last line; 0 while nothing
            did, or the last line is too new.
        """
        if not self._count or now < self._tell_after:
            return 0
        count, self._count = self._count, 0
        self._tell_after = now + self._every
        return count
