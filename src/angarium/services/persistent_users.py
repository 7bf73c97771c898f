"""Users of a store that may not answer for a while, asked until a
moment.
"""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from angarium import backoff, logs
from angarium.domain.errors import StoreUnavailable
from angarium.domain.user import User
from angarium.ports.users import UserStore

FIRST_WAIT_SECONDS = 0.2
MAX_WAIT_SECONDS = 2.0
"""As long as a node that joins needs for a step."""

Result = TypeVar("Result")

_log = logs.get("angarium.users")


class PersistentUsers:
    """Implements `ports.users.UserStore`; a call that fails is repeated
    while there is time.

    What a node lacks that is still joining, copies enough to write a
    user, time mends. The time is one for all calls.
    """

    def __init__(
        self,
        store: UserStore,
        remaining: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Name the store.

        Args:
            store: Where users are kept.
            remaining: Tells how many seconds are left for all calls.
            sleep: Waits between tries.
        """
        self._store = store
        self._remaining = remaining
        self._sleep = sleep

    def get(self, user_id: UUID) -> User | None:
        """Return the user; implements `UserStore.get`."""
        return self._persist(lambda: self._store.get(user_id))

    def put(self, user: User) -> User:
        """Return the user as stored; implements `UserStore.put`, which
        is safe to repeat.
        """
        return self._persist(lambda: self._store.put(user))

    def all(self) -> Sequence[User]:
        """Return all users; implements `UserStore.all`."""
        return self._persist(self._store.all)

    def _persist(self, call: Callable[[], Result]) -> Result:
        """Return what a call returns at last."""
        return backoff.retry(
            call,
            StoreUnavailable,
            self._remaining,
            _log_retry,
            self._sleep,
            backoff.delays_until(self._remaining, FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS),
        )


def _log_retry(error: Exception, wait: float) -> None:
    """Say why the users have to wait."""
    _log.debug(
        "retry",
        f"The users cannot be written yet; next try in {wait:.1f} s.",
        detail=str(error)[:300],
    )
