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
    """Implements `ports.users.UserStore`.

    A new user and a new password are conditional writes.
    """

    def __init__(self, session: CassandraSession) -> None:
        """Read and write users through one session."""
        self._session = session

    def get(self, user_id: UUID) -> User | None:
        """Implements `UserStore.get`: a read at a quorum."""
        found = self._session.execute(Statement.USER, (user_id,))
        return row_mapping.user(found[0]) if found else None

    def put(self, user: User) -> User:
        """Implements `UserStore.put`."""
        return retry_on_contention(lambda: self._put(user))

    def all(self) -> Sequence[User]:
        """Implements `UserStore.all`: scans the table, then sorts."""
        return sorted(
            map(row_mapping.user, self._session.scan(Statement.USERS)),
            key=lambda user: user.username,
        )

    def _put(self, user: User) -> User:
        """Make one attempt, which sees what an earlier one did."""
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
