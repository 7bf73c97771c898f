"""Presence in the embedded database."""

import sqlite3
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import futures
from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database

_LOOKUP_S = 0.5
"""Time limit for a lookup; after as long the caller takes the users for
offline anyway (`services.presence`).
"""

_TOUCH = (
    "INSERT INTO presence (user_id, seen_at) {values}"
    " ON CONFLICT (user_id) DO UPDATE SET seen_at = excluded.seen_at"
)
_LAST_SEEN = bulk_sql.select_as_json(
    "user_id, seen_at", "presence WHERE user_id IN (SELECT value FROM json_each(?))"
)


class EmbeddedPresence:
    """Implements `PresenceStore` with one row per user."""

    def __init__(self, database: Database) -> None:
        """Register the write that notes users."""
        self._database = database
        self._touches = database.register(_touch, deferrable=True)

    def touch(self, user_id: UUID, seen_at: int) -> "Future[None]":
        """Implements `PresenceStore.touch`; shares others' commit."""
        return self._touches.offer((str(user_id), seen_at))

    def last_seen(self, user_ids: Sequence[UUID]) -> "Future[Mapping[UUID, int]]":
        """Implements `PresenceStore.last_seen` on the calling thread.

        A lookup takes less time than a switch to another thread.

        Returns:
            A future that is done; users seen before the window are in
            it too.
        """
        by_text = {str(user_id): user_id for user_id in user_ids}
        try:
            found = self._database.read(
                lambda connection: bulk_sql.read(
                    connection, _LAST_SEEN, (bulk_sql.as_json(by_text),)
                ),
                at_most_s=_LOOKUP_S,
            )
        except StoreUnavailable as error:
            return futures.failed(error)
        seen = cast("list[tuple[str, int]]", found)
        return futures.done({by_text[user_id]: seen_at for user_id, seen_at in seen})


def _touch(connection: sqlite3.Connection, touches: Sequence[tuple[str, int]]) -> Sequence[None]:
    """Insert or replace the times of users in a transaction."""
    bulk_sql.execute(connection, _TOUCH, touches)
    return [None] * len(touches)
