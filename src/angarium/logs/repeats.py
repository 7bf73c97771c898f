"""Limits how often equal lines are logged, and counts the others."""

import threading
import time
from collections.abc import Callable, Mapping

from angarium.logs.libraries import PERIOD_S

_FIRST: Mapping[str, object] = {}


class Repeats:
    """Lets one of many equal lines pass in a period; for any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none passed.

        Args:
            clock: Returns seconds of a monotonic clock.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._passed: dict[str, tuple[float, int]] = {}

    def fields(self, kind: str = "") -> Mapping[str, object] | None:
        """Decide on a line that is about to be logged.

        Args:
            kind: Of the line, such as its action; there must be few.

        Returns:
            More fields for the line: none, or `repeats`, how many have
            been left out before it. None if it must be left out, which
            means logged as DEBUG.
        """
        with self._lock:
            now = self._clock()
            passed_at, left_out = self._passed.get(kind, (float("-inf"), 0))
            if now - passed_at < PERIOD_S:
                self._passed[kind] = passed_at, left_out + 1
                return None
            self._passed[kind] = now, 0
        return {"repeats": left_out} if left_out else _FIRST


class Tally:
    """Counts events between two lines of a log; used by one thread.

    The first event is due at once, the next ones together.
    """

    __slots__ = ("_count", "_due_at", "_every")

    def __init__(self, every: float = PERIOD_S) -> None:
        """Start with nothing counted.

        Args:
            every: Seconds between two lines.
        """
        self._count = 0
        self._every = every
        self._due_at = float("-inf")

    def add(self, times: int = 1) -> None:
        """Count an event.

        Args:
            times: How often it happened.
        """
        self._count += times

    def due(self, now: float) -> int:
        """Return the count if a line is due, and start again.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                line before the program ends.

        Returns:
            How often it happened since the last line; 0 if it did not,
            or the last line is too new.
        """
        if not self._count or now < self._due_at:
            return 0
        count, self._count = self._count, 0
        self._due_at = now + self._every
        return count
