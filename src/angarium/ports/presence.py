"""Who was seen lately. Presence chooses a word (SENT or PENDING), never
whether something is stored.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol
from uuid import UUID


class PresenceStore(Protocol):
    """When each user was last seen; one row a user, forgotten after the
    window; used by any thread.
    """

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Note that a user proved who they are, without blocking the
        caller; the last note stands.

        Args:
            user_id: Who.
            seen_at: When, milliseconds since the epoch; an earlier time
                than the kept one replaces it, since clocks may be
                wrong. Of two notes within a millisecond either stands.

        Returns:
            A future that is done once it is noted, or holds
            StoreUnavailable.
        """
        ...

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Tell when users were last seen, without blocking the caller.

        Args:
            user_ids: Whom to look up.

        Returns:
            A future of milliseconds since the epoch for those seen
            within the window (older ones may be told or not), or of
            StoreUnavailable.
        """
        ...
