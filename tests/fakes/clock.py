"""A clock that tests move themselves."""

import threading


class ManualClock:
    """Stands still until a test moves it; starts on a round moment."""

    def __init__(self, now_ms: int = 1_700_000_000_000, monotonic: float = 1_000.0) -> None:
        self._lock = threading.Lock()
        self._now_ms = now_ms
        self._monotonic = monotonic

    def now_ms(self) -> int:
        with self._lock:
            return self._now_ms

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        if seconds < 0:
            raise ValueError(f"time does not pass backwards: {seconds}; use step_wall")
        with self._lock:
            self._monotonic += seconds
            self._now_ms += round(seconds * 1000)

    def step_wall(self, milliseconds: int) -> None:
        """Set the wall clock forward or back, as an administrator or a
        time server does.
        """
        with self._lock:
            self._now_ms += milliseconds

    def sleep(self, seconds: float) -> None:
        """Pass as a `sleep`: it takes no real time."""
        self.advance(max(0.0, seconds))
