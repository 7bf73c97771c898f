"""Presence on Cassandra: one row a user that forgets itself."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium.engines.cassandra.chain import Chain, run_chain
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


class CassandraPresence:
    """Implements `ports.presence.PresenceStore`; the last note stands
    by the clocks of the nodes.

    A row with the time of an API whose clock is ahead would hide all
    others, even when it is forgotten.
    """

    def __init__(self, session: CassandraSession, window: float) -> None:
        self._session = session
        self._ttl = max(1, math.ceil(window))

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Note that a user was seen; see the port.

        Args:
            user_id: Who.
            seen_at: When, milliseconds since the epoch.

        Returns:
            A future that is done once it is noted.
        """
        return run_chain(self._touch(user_id, seen_at))

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Tell when users were last seen; see the port.

        Args:
            user_ids: Whom to look up.

        Returns:
            A future of milliseconds since the epoch by user.
        """
        return run_chain(self._last_seen(user_ids))

    def _touch(self, user_id: UUID, seen_at: int) -> Chain[None]:
        yield self._session.submit(Statement.TOUCH, (user_id, seen_at, self._ttl))

    def _last_seen(self, user_ids: Sequence[UUID]) -> Chain[Mapping[UUID, int]]:
        found = yield self._session.submit(Statement.LAST_SEEN, (list(dict.fromkeys(user_ids)),))
        return dict(cast("tuple[UUID, int]", row) for row in found)
