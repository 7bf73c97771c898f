"""Who was online recently.

Presence only affects the label (SENT or PENDING), never whether a
message is stored (docs/adr/0010).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol
from uuid import UUID


class PresenceStore(Protocol):
    """When each user was last seen.

    One row per user, which expires after the window; used by any
    thread.
    """

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Note that a user was seen, without blocking the caller.

        The last note wins.

        Args:
            user_id: Which user.
            seen_at: When, milliseconds since the epoch; a time before
                the stored one replaces it, since clocks may be wrong.
                Of two notes within a millisecond either wins.

        Returns:
            A future that completes once it is noted, or fails with
            StoreUnavailable.
        """
        ...

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Return when users were last seen, without blocking.

        Args:
            user_ids: The users to look up.

        Returns:
            A future of milliseconds since the epoch, for those seen
            within the window (older ones may be there or not), or of
            StoreUnavailable.
        """
        ...
