"""Users on Cassandra."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from angarium.domain.errors import StoreUnavailable
from angarium.domain.user import User
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.contention import retry_on_contention
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


class CassandraUsers:
    """Implements `ports.users.UserStore`; a new user and a new password
    are conditional writes.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def get(self, user_id: UUID) -> User | None:
        """Find a user; see the port.

        Args:
            user_id: Made from the name.

        Returns:
            The user, None when there is none.
        """
        found = self._session.execute(Statement.USER, (user_id,))
        return row_mapping.user(found[0]) if found else None

    def put(self, user: User) -> User:
        """Add a user or change the password; see the port.

        Args:
            user: The user.

        Returns:
            The user as stored.
        """
        return retry_on_contention(lambda: self._put(user))

    def all(self) -> Sequence[User]:
        """List the users; see the port.

        Returns:
            All of them, by username.
        """
        return sorted(
            map(row_mapping.user, self._session.scan(Statement.USERS)),
            key=lambda user: user.username,
        )

    def _put(self, user: User) -> User:
        found = self.get(user.user_id)
        if found is None:
            values = (user.user_id, user.username, user.password_hash, user.created_at)
            self._session.execute(Statement.ADD_USER, values)
            found = self.get(user.user_id)
        if found is None:
            raise StoreUnavailable("a user who was just added is not visible yet")
        if found.password_hash == user.password_hash:
            return found
        self._session.execute(Statement.CHANGE_PASSWORD, (user.password_hash, user.user_id))
        return replace(found, password_hash=user.password_hash)
