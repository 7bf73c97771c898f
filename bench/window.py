"""As many calls of a client library on their way as there is room
for.
"""

import time
from collections.abc import Callable
from threading import Semaphore

from bench.table import CPU, RATE, Figures

ANSWER_S = 10.0


class Window:
    """Begins a call whenever another one has come back."""

    def __init__(self, room: int) -> None:
        self._size = room
        self._room = Semaphore(room)
        self._errors: list[BaseException] = []

    def run(self, seconds: float, begin: Callable[[], None]) -> Figures:
        """Keep it full for so long.

        Each call ends with `came` or `failed`, on whichever thread.
        """
        cpu, start, count = time.process_time(), time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            self._wait()
            begin()
            count += 1
        for _ in range(self._size):
            self._wait()
        self._room.release(self._size)
        return {
            RATE.name: count / (time.perf_counter() - start),
            CPU.name: (time.process_time() - cpu) * 1000 / count,
        }

    def came(self, _: object = None) -> None:
        """Make room for the next call."""
        self._room.release()

    def failed(self, error: BaseException) -> None:
        """End the run with an error."""
        self._errors.append(error)
        self._room.release()

    def _wait(self) -> None:
        if not self._room.acquire(timeout=ANSWER_S):
            raise TimeoutError(f"a call was not answered within {ANSWER_S:g} s")
        if self._errors:
            raise self._errors[0]
