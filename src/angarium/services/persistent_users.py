"""A user store whose calls are repeated until a deadline."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from angarium import backoff, logs
from angarium.domain.errors import StoreUnavailable
from angarium.domain.user import User
from angarium.ports.users import UserStore

FIRST_WAIT_S = 0.2
MAX_WAIT_S = 2.0
"""About as long as a Cassandra node that joins needs for a step."""

Result = TypeVar("Result")

_log = logs.get("angarium.services")


class PersistentUsers:
    """Implements `UserStore`, repeating calls until a deadline.

    While nodes are still joining there may be too few copies to write a
    user; later there are enough. All calls share one deadline.
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
            remaining: Returns the seconds that are left for all calls.
            sleep: Waits between tries, in seconds.
        """
        self._store = store
        self._remaining = remaining
        self._sleep = sleep

    def get(self, user_id: UUID) -> User | None:
        """Implements `UserStore.get`."""
        return self._persist(lambda: self._store.get(user_id))

    def put(self, user: User) -> User:
        """Implements `UserStore.put`, which is safe to repeat."""
        return self._persist(lambda: self._store.put(user))

    def all(self) -> Sequence[User]:
        """Implements `UserStore.all`."""
        return self._persist(self._store.all)

    def _persist(self, call: Callable[[], Result]) -> Result:
        """Repeat a call until it succeeds or time is up."""
        return backoff.retry(
            call,
            StoreUnavailable,
            self._remaining,
            _log_retry,
            self._sleep,
            backoff.delays_until(self._remaining, FIRST_WAIT_S, MAX_WAIT_S),
        )


def _log_retry(error: Exception, wait: float) -> None:
    """Log why a call is repeated; debug, as the command prints more."""
    _log.debug(
        "retry",
        f"The users cannot be written yet; next try in {wait:.1f} s.",
        detail=str(error)[:300],
    )
