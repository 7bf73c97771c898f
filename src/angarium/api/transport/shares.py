"""Counts concurrent requests; no user or address may take all of them.

This is the backpressure of requests: what finds no room is answered 503
(`Dispatcher.refuse_overload`). `memory_budget` has that of bytes.
docs/adr/0007 has the decision.
"""

from collections import Counter
from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

USER_SHARE = 8
"""A user may have 8 times as many concurrent requests as there is free
room (dynamic thresholds, Choudhury and Hahne, 1998). Alone that is
eight ninths of the maximum. With others it is less, so that a new user
always finds room.
"""

SOURCE_SHARE = 64
"""The same for an address, which many users may have. It is so much
larger that one of them alone does not fill it.
"""


class Shares:
    """Counts concurrent requests by user and by address.

    Attributes:
        total: All concurrent requests.
    """

    __slots__ = ("_contested", "_max_total", "_sources", "_users", "total")

    def __init__(self, max_total: int) -> None:
        """Start without requests.

        Args:
            max_total: Maximum of concurrent requests.
        """
        self.total = 0
        self._max_total = max_total
        # Up to here nobody can have more than a share.
        self._contested = max_total * USER_SHARE // (USER_SHARE + 1)
        self._users: Counter[Hashable] = Counter()
        self._sources: Counter[str] = Counter()

    def has_room(self, user: Hashable, source: str) -> bool:
        """Return whether one more request may start.

        Args:
            user: The user; the address if no user is known.
            source: The address that it comes from.

        Returns:
            False at the maximum, or if this user or address has its
            share.
        """
        if self.total < self._contested:
            return True
        free = self._max_total - self.total
        return (
            self._users[user] < USER_SHARE * free and self._sources[source] < SOURCE_SHARE * free
        )

    def of(self, user: Hashable) -> int:
        """Return how many concurrent requests a user has.

        Args:
            user: As it was added.

        Returns:
            0 for an unknown user.
        """
        return self._users[user]

    def add(self, user: Hashable, source: str) -> None:
        """Count a request.

        Args:
            user: The user; the address if no user is known.
            source: The address that it comes from.
        """
        self.total += 1
        self._users[user] += 1
        self._sources[source] += 1

    def remove(self, user: Hashable, source: str) -> None:
        """Count a request no longer.

        Args:
            user: As it was added.
            source: As it was added.
        """
        self.total -= 1
        _subtract(self._users, user)
        _subtract(self._sources, source)


def _subtract(counts: Counter[Key], key: Key) -> None:
    """Count one less; a key with none left is removed."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
