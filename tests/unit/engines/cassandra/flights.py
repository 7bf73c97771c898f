"""Single flights whose passengers are counted."""

import threading
from concurrent.futures import Future

from angarium.engines.cassandra.single_flight import Key, Result, SingleFlight

GIVE_UP_S = 30.0


class CountedFlight(SingleFlight[Key, Result]):
    """Tells how many have joined."""

    def __init__(self) -> None:
        super().__init__()
        self._joined = threading.Semaphore(0)

    def _join(self, key: Key) -> tuple["Future[Result]", bool]:
        joined = super()._join(key)
        self._joined.release()
        return joined

    def wait_for(self, number: int) -> None:
        """Wait until so many more have joined."""
        for _ in range(number):
            assert self._joined.acquire(timeout=GIVE_UP_S)
