"""Finding users, and adding those that are configured."""

from uuid import UUID

from angarium.clock import Clock
from angarium.domain.errors import Code, Refused, SetupError
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import User, is_username
from angarium.ports.identity import PasswordHasher
from angarium.ports.users import UserStore
from angarium.services.store_retry import StoreRetry


class Users:
    """Looks users up; blocks on the store; used by any thread."""

    def __init__(self, store: UserStore, retry: StoreRetry) -> None:
        """Name the store.

        Args:
            store: Where users are kept.
            retry: Repeats calls to it.
        """
        self._store = store
        self._retry = retry

    def by_id(self, user_id: UUID) -> User:
        """Find a user by id.

        Args:
            user_id: Computed from the name (docs/adr/0008).

        Returns:
            The user.

        Raises:
            Refused: `user_not_found`.
            StoreUnavailable: The store did not answer.
        """
        user = self._retry(lambda: self._store.get(user_id))
        if user is None:
            raise _not_found(f"the id {user_id}")
        return user

    def by_name(self, username: str) -> User:
        """Find a user by name.

        Args:
            username: Compared exactly.

        Returns:
            The user.

        Raises:
            Refused: `user_not_found`, also for an invalid name.
            StoreUnavailable: The store did not answer.
        """
        user_id = user_id_for(username) if is_username(username) else None
        user = self._retry(lambda: self._store.get(user_id)) if user_id is not None else None
        if user is None:
            raise _not_found(f"the name {_shown(username)}")
        return user


class Provisioning:
    """Adds users and sets passwords; blocks on store and hashes."""

    def __init__(self, store: UserStore, hasher: PasswordHasher, clock: Clock) -> None:
        """Put the parts together.

        Args:
            store: Where users are kept.
            hasher: Makes and compares password hashes.
            clock: The creation time of new users.
        """
        self._store = store
        self._hasher = hasher
        self._clock = clock

    def put(self, username: str, password: str) -> User:
        """Add a user or change a password; safe to repeat.

        Args:
            username: A valid name.
            password: In plain text; a stored hash that it matches is
                kept.

        Returns:
            The user as stored.

        Raises:
            SetupError: The name is invalid.
            StoreUnavailable: The store did not answer.
        """
        existing = self._existing(username)
        if existing is not None and self._hasher.verify(password, existing.password_hash):
            return existing
        return self._put(username, self._hasher.hash(password))

    def put_hash(self, username: str, password_hash: str) -> User:
        """Add a user or change a password, by hash; safe to repeat.

        Args:
            username: A valid name.
            password_hash: A PHC string.

        Returns:
            The user as stored.

        Raises:
            SetupError: The name is invalid, or the hash is not scrypt's
                of accepted strength.
            StoreUnavailable: The store did not answer.
        """
        existing = self._existing(username)
        if not self._hasher.is_hash(password_hash):
            raise SetupError(
                f"The password hash of user {username!r} is not a scrypt hash of accepted "
                "strength; make one with `angarium users hash`."
            )
        if existing is not None and existing.password_hash == password_hash:
            return existing
        return self._put(username, password_hash)

    def _existing(self, username: str) -> User | None:
        """Check a name, then look up its user."""
        if not is_username(username):
            raise SetupError(
                f"{_shown(username)} is not a valid username; use 1 to 64 characters from a-z 0-9 "
                ". _ -"
            )
        return self._store.get(user_id_for(username))

    def _put(self, username: str, password_hash: str) -> User:
        """Store a user; the creation time counts for a new one."""
        return self._store.put(
            User(user_id_for(username), username, password_hash, self._clock.now_ms())
        )


def _shown(username: str) -> str:
    """Quote a name for an error; one that is too long is cut."""
    return ascii(username if len(username) <= 64 else f"{username[:61]}...")


def _not_found(what: str) -> Refused:
    """Refuse a lookup, naming what was looked for."""
    return Refused.because(
        Code.USER_NOT_FOUND,
        f"There is no user with {what}; check it, or ask the operator to add the user.",
    )
