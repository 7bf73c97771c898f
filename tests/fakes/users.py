"""Users in memory."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from angarium.domain.user import User


class MemoryUsers:
    """Keeps users by id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users: dict[UUID, User] = {}

    def get(self, user_id: UUID) -> User | None:
        with self._lock:
            return self._users.get(user_id)

    def put(self, user: User) -> User:
        with self._lock:
            known = self._users.setdefault(user.user_id, user)
            stored = replace(known, password_hash=user.password_hash)
            self._users[user.user_id] = stored
            return stored

    def replace(self, user: User) -> None:
        """Put a user as an import does, whatever was there."""
        with self._lock:
            self._users[user.user_id] = user

    def all(self) -> Sequence[User]:
        with self._lock:
            return sorted(self._users.values(), key=lambda user: user.username)
