"""Presence in memory."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium.futures import done


class MemoryPresence:
    """Keeps the last note of each user, for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[UUID, int] = {}

    def touch(self, user_id: UUID, seen_at: int) -> Future[None]:
        with self._lock:
            self._seen[user_id] = seen_at
        return done(None)

    def last_seen(self, user_ids: Sequence[UUID]) -> Future[Mapping[UUID, int]]:
        with self._lock:
            return done({each: self._seen[each] for each in user_ids if each in self._seen})
