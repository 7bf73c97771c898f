"""Presence on the database."""

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import futures
from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database

_LOOKUP_SECONDS = 0.5
"""A lookup is one range of a small table; whoever waits longer takes
the user for offline anyway.
"""

_TOUCH = (
    "INSERT INTO presence (user_id, seen_at) {values}"
    " ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at"
)
_LAST_SEEN = bulk_sql.select_as_json(
    "user_id, seen_at", "presence WHERE user_id IN (SELECT value FROM json_each(?))"
)


class EmbeddedPresence:
    """Keeps when each user was last seen, one row a user."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._touches = database.kind(_touch, deferrable=True)

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Note that a user proved who they are, without blocking the
        caller.

        Args:
            user_id: Who.
            seen_at: When, milliseconds since the epoch; it stands until
                the next one.

        Returns:
            A future that is done once it is noted, or holds
            StoreUnavailable.
        """
        return self._touches.offer((str(user_id), seen_at))

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Tell when users were last seen; reads on the spot, since a
        lookup is quicker than a thread's turn.

        Args:
            user_ids: Whom to look up.

        Returns:
            A future of milliseconds since the epoch for those ever
            seen, or of StoreUnavailable.
        """
        by_text = {str(user_id): user_id for user_id in user_ids}
        try:
            found = self._database.read(
                lambda connection: bulk_sql.read(
                    connection, _LAST_SEEN, (bulk_sql.as_json(by_text),)
                ),
                at_most=_LOOKUP_SECONDS,
            )
        except StoreUnavailable as error:
            return futures.failed(error)
        seen = cast("list[tuple[str, int]]", found)
        return futures.done({by_text[user_id]: seen_at for user_id, seen_at in seen})


def _touch(connection: sqlite3.Connection, touches: Sequence[tuple[str, int]]) -> Sequence[None]:
    bulk_sql.execute(connection, _TOUCH, touches)
    return [None] * len(touches)
