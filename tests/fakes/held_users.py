"""A store of users whose answers a test holds back."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from angarium.domain.user import User
from angarium.ports.users import UserStore
from tests.fakes.serving import PATIENCE


class HeldUsers:
    """Lets nobody have an answer before the gate is open.

    Attributes:
        asked: How often each user was asked for.
        gate: Open to let them go.
    """

    def __init__(self, users: UserStore, passed: Callable[[], object] = lambda: None) -> None:
        self.asked: Counter[UUID] = Counter()
        self.gate = threading.Event()
        self._users = users
        self._passed = passed

    def get(self, user_id: UUID) -> User | None:
        self.asked[user_id] += 1
        self.gate.wait(PATIENCE)
        self._passed()
        return self._users.get(user_id)

    def put(self, user: User) -> User:
        return self._users.put(user)

    def all(self) -> Sequence[User]:
        return self._users.all()
