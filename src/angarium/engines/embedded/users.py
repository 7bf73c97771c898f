"""Users in the embedded database."""

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
    """Implements `UserStore` with one table."""

    def __init__(self, database: Database) -> None:
        """Register the write that stores users."""
        self._database = database
        self._puts = database.register(_put)

    def get(self, user_id: UUID) -> User | None:
        """Implements `UserStore.get`."""
        return self._database.read(lambda connection: _get(connection, str(user_id)))

    def put(self, user: User) -> User:
        """Implements `UserStore.put`."""
        return self._puts.wait(user)

    def all(self) -> Sequence[User]:
        """Implements `UserStore.all`."""
        return self._database.read(_all)


def _get(connection: sqlite3.Connection, user_id: str) -> User | None:
    """Read one user by id."""
    row: _Row | None = connection.execute(_GET, (user_id,)).fetchone()
    return None if row is None else _user(row)


def _all(connection: sqlite3.Connection) -> Sequence[User]:
    """Read all users, sorted by name."""
    return [_user(row) for row in connection.execute(_ALL)]


def _put(connection: sqlite3.Connection, users: Sequence[User]) -> Sequence[User]:
    """Insert users or replace their hashes; return them as stored."""
    stored = []
    for user in users:
        user_id = str(user.user_id)
        connection.execute(_PUT, (user_id, user.username, user.password_hash, user.created_at))
        stored.append(_get(connection, user_id) or user)
    return stored


def _user(row: _Row) -> User:
    """Decode a row in the order of `_COLUMNS`."""
    user_id, username, password_hash, created_at = row
    return User(UUID(user_id), username, password_hash, created_at)
