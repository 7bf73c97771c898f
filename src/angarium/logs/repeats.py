"""One of many equal lines in a while, with the number of those it stands for."""

import threading
import time
from collections.abc import Callable, Mapping

from angarium.logs.libraries import PERIOD_SECONDS

_FIRST: Mapping[str, object] = {}


class Repeats:
    """Says which of many equal lines is worth a WARNING; used by any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, period: float = PERIOD_SECONDS) -> None:
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
            What the line carries beside its own: nothing, or `repeats`, how many have been left out before
            it. None when it is to be left out, which it is as a DEBUG line.
        """
        with self._lock:
            now = self._clock()
            told_at, left_out = self._told.get(kind, (float("-inf"), 0))
            if now - told_at < self._period:
                self._told[kind] = told_at, left_out + 1
                return None
            self._told[kind] = now, 0
        return {"repeats": left_out} if left_out else _FIRST
