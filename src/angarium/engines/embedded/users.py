"""Users on the database."""

import sqlite3
from collections.abc import Sequence
from uuid import UUID

from angarium.domain.user import User
from angarium.engines.embedded.database import Database

_COLUMNS = "user_id, username, password_hash, created_at"
_GET = f"SELECT {_COLUMNS} FROM users WHERE user_id = ?"  # noqa: S608 - a constant
_ALL = f"SELECT {_COLUMNS} FROM users ORDER BY username"  # noqa: S608 - a constant
_PUT = (
    "INSERT INTO users (user_id, username, password_hash, created_at) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash"
)

_Row = tuple[str, str, str, int]


class EmbeddedUsers:
    """Keeps users; sees at once what another process wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._puts = database.kind(_put)

    def get(self, user_id: UUID) -> User | None:
        """Find a user.

        Args:
            user_id: Made from the name.

        Returns:
            The user, None when there is none.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(lambda connection: _get(connection, str(user_id)))

    def put(self, user: User) -> User:
        """Add a user, or give one that exists a new password.

        Args:
            user: The user; `created_at` counts only when it is new.

        Returns:
            The user as stored.

        Raises:
            StoreUnavailable: Not certain in time.
        """
        return self._puts.wait(user)

    def all(self) -> Sequence[User]:
        """List the users.

        Returns:
            All of them, by username.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(_all)


def _get(connection: sqlite3.Connection, user_id: str) -> User | None:
    row: _Row | None = connection.execute(_GET, (user_id,)).fetchone()
    return None if row is None else _user(row)


def _all(connection: sqlite3.Connection) -> Sequence[User]:
    return [_user(row) for row in connection.execute(_ALL)]


def _put(connection: sqlite3.Connection, users: Sequence[User]) -> Sequence[User]:
    stored = []
    for user in users:
        user_id = str(user.user_id)
        connection.execute(_PUT, (user_id, user.username, user.password_hash, user.created_at))
        stored.append(_get(connection, user_id) or user)
    return stored


def _user(row: _Row) -> User:
    user_id, username, password_hash, created_at = row
    return User(UUID(user_id), username, password_hash, created_at)
