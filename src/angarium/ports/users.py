"""Where users are kept."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from angarium.domain.user import User


class UserStore(Protocol):
    """Users by id.

    Blocks within the deadline in force; used by any thread. Every
    method raises StoreUnavailable when the store does not answer in
    time.
    """

    def get(self, user_id: UUID) -> User | None:
        """Find a user.

        Args:
            user_id: Made from the name (docs/adr/0008).

        Returns:
            The user, None when there is none. A user that another
            process has put is seen at once.
        """
        ...

    def put(self, user: User) -> User:
        """Add a user, or change the password of one that exists.

        It is safe to repeat and to run concurrently.

        Args:
            user: The user; `created_at` counts only when it is new.

        Returns:
            The user as stored.
        """
        ...

    def all(self) -> Sequence[User]:
        """List the users.

        Returns:
            All of them, by username.
        """
        ...
