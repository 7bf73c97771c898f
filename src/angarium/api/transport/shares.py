"""How many requests are in hand, and that nobody has more than a share
of them.
"""

from collections import Counter
from collections.abc import Hashable
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

USER_SHARE = 8
"""A user may have so many times as many requests in hand as there is
still room for (dynamic thresholds, Choudhury and Hahne, 1998): alone
eight ninths of the bound, and with others less, so that somebody new
always finds room.
"""

SOURCE_SHARE = 64
"""The same for an address, behind which there may be many users: one
who has his share leaves them room.
"""


class Shares:
    """Counts requests in hand, by user and by address.

    Attributes:
        total: Requests in hand.
    """

    __slots__ = ("_contested", "_most", "_sources", "_users", "total")

    def __init__(self, most: int) -> None:
        """Set the bound.

        Args:
            most: Requests in hand, in all.
        """
        self.total = 0
        self._most = most
        # Up to here nobody can have more than a share, whoever has
        # them.
        self._contested = most * USER_SHARE // (USER_SHARE + 1)
        self._users: Counter[Hashable] = Counter()
        self._sources: Counter[str] = Counter()

    def has_room(self, user: Hashable, source: str) -> bool:
        """Tell whether one more request may be taken in hand.

        Args:
            user: Whose it is; the address, where nobody is known.
            source: The address that it comes from.

        Returns:
            False where there are as many as allowed, or this user or
            address has its share.
        """
        if self.total < self._contested:
            return True
        free = self._most - self.total
        return (
            self._users[user] < USER_SHARE * free and self._sources[source] < SOURCE_SHARE * free
        )

    def of(self, user: Hashable) -> int:
        """Count what one user has in hand.

        Args:
            user: Whose requests.

        Returns:
            How many there are.
        """
        return self._users[user]

    def add(self, user: Hashable, source: str) -> None:
        """Count a request.

        Args:
            user: Whose it is.
            source: Where it comes from.
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
    """Count one less, and keep no zero."""
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
