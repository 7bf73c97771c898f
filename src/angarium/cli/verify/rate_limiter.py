"""How much is written, and how fast."""

import threading
import time
from collections.abc import Callable


class RateLimiter:
    """Hands out numbers, each when it is due, until there were enough;
    used by any thread.
    """

    def __init__(
        self,
        messages: int | None,
        seconds: float | None,
        rate: float,
        stopping: threading.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set the bounds.

        Args:
            messages: At most so many, None for any number.
            seconds: None begins after this, None for any time.
            rate: Numbers a second.
            stopping: Set when nothing more is to begin.
            monotonic: Measures.
        """
        self._messages = messages
        self._rate = rate
        self._stopping = stopping
        self._monotonic = monotonic
        self._started = monotonic()
        self._ends_at = float("inf") if seconds is None else self._started + seconds
        self._lock = threading.Lock()
        self._taken = 0

    def take(self) -> int | None:
        """Wait for the next number.

        Returns:
            The number, from 0; None when it is enough.
        """
        with self._lock:
            number = self._taken
            due = self._started + number / self._rate
            if number == self._messages or max(due, self._monotonic()) >= self._ends_at:
                return None
            self._taken += 1
        if self._stopping.wait(max(0.0, due - self._monotonic())):
            return None
        return number
