"""Dead letters in memory."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from angarium.futures import done
from angarium.ports.message_log import DeadLetter


class MemoryDeadLetters:
    """Keeps dead letters in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._letters: list[DeadLetter] = []

    def append(self, letter: DeadLetter) -> Future[None]:
        with self._lock:
            self._letters.append(letter)
        return done(None)

    def read(self, limit: int) -> Sequence[DeadLetter]:
        with self._lock:
            return self._letters[::-1][:limit]

    def find(self, partition: int, offset: int) -> DeadLetter | None:
        for each in self.read(len(self._letters)):
            if (each.record.partition, each.record.offset) == (partition, offset):
                return each
        return None

    def all(self) -> Sequence[DeadLetter]:
        """Give all of them, oldest first."""
        with self._lock:
            return list(self._letters)
