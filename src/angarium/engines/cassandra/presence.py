"""Presence on Cassandra: one row per user, which expires by itself."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium.engines.cassandra.chain import Chain, run_chain
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


class CassandraPresence:
    """Implements `ports.presence.PresenceStore` (docs/adr/0010).

    The last write wins by the clocks of the nodes. With the time of an
    API whose clock is ahead, a row would hide all later ones, even
    after it expired.
    """

    def __init__(self, session: CassandraSession, window_s: float) -> None:
        """Set how long a row lives.

        Args:
            session: Reads and writes.
            window_s: Seconds, rounded up to whole ones, for the rows'
                TTL.
        """
        self._session = session
        self._ttl = max(1, math.ceil(window_s))

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Implements `PresenceStore.touch`."""
        return run_chain(self._touch(user_id, seen_at))

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Implements `PresenceStore.last_seen`."""
        return run_chain(self._last_seen(user_ids))

    def _touch(self, user_id: UUID, seen_at: int) -> Chain[None]:
        """Write the row; its TTL starts again."""
        yield self._session.submit(Statement.TOUCH, (user_id, seen_at, self._ttl))

    def _last_seen(self, user_ids: Sequence[UUID]) -> Chain[Mapping[UUID, int]]:
        """Read the rows of distinct users in one request."""
        found = yield self._session.submit(Statement.LAST_SEEN, (list(dict.fromkeys(user_ids)),))
        return dict(cast("tuple[UUID, int]", row) for row in found)
