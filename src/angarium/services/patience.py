"""Calling back when something has taken too long."""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable


class TimeoutWatcher:
    """Calls back after a fixed time; used by any thread.

    One thread serves all waits, and lives only while there are any.
    """

    def __init__(self, seconds: float) -> None:
        """Set the time.

        Args:
            seconds: After which a callback is called.
        """
        self._seconds = seconds
        self._waits: deque[tuple[float, Callable[[], object]]] = deque()
        self._lock = threading.Lock()
        self._running = False

    def watch(self, give_up: Callable[[], object]) -> None:
        """Have a function called when the time is over.

        Args:
            give_up: Must not block or raise, and do nothing when it is no longer needed.
        """
        with self._lock:
            self._waits.append((time.monotonic() + self._seconds, give_up))
            if self._running or self._starts():
                return
            # Without a thread nothing would end the wait: it ends at once.
            self._waits.clear()
        give_up()

    def _starts(self) -> bool:
        # False where the system starts no more threads.
        thread = threading.Thread(target=self._run, name="patience", daemon=True)
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._running = True
        return self._running

    def _run(self) -> None:
        while (wait := self._next()) is not None:
            due, give_up = wait
            time.sleep(max(0.0, due - time.monotonic()))
            give_up()

    def _next(self) -> tuple[float, Callable[[], object]] | None:
        with self._lock:
            if self._waits:
                return self._waits.popleft()
            self._running = False
            return None
