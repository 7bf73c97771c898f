"""Passwords that are configured in plain text.

They are valid at once and hashed while the service runs. A hash costs a
fifth of a second on purpose, so a thousand of them would delay a start
by minutes. Instead a start only adds the missing users, and a thread
hashes one password after the other. Until a user's hash is stored, a
login is compared with the configured password itself (docs/adr/0011).
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from uuid import UUID

from angarium import backoff, logs
from angarium.clock import Clock
from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import User
from angarium.ports.identity import PasswordHasher
from angarium.ports.users import UserStore
from angarium.threads import show_own_name

NO_PASSWORD_YET = "!"  # noqa: S105 - no text hashes to it, as in shadow(5)
"""Stored instead of a hash until the password is hashed."""

PARALLEL_WRITES = 64
"""Users that are written at once: the store commits them together."""

MAX_RETRY_S = 30.0
"""Longest pause between tries while the store is away; nothing waits
for the hashes, so there is no hurry.
"""

_log = logs.get("angarium.services")


@dataclass(frozen=True, slots=True)
class Credential:
    """A configured user, with a password or its hash.

    Attributes:
        username: Valid as `domain.user.is_username` defines it.
        password: In plain text.
        password_hash: A PHC string; where it is given, nothing is
            hashed.
    """

    username: str
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ExpectedPassword:
    """A configured password, and the hash that it replaces.

    Attributes:
        password: In plain text.
        stored_hash: What was stored at the start. As soon as another
            hash is stored, that one is valid: this password's own, or
            one that somebody has set since.
    """

    password: str = field(repr=False)
    stored_hash: str = field(repr=False)


class ConfiguredPasswords:
    """What logins are compared with while hashes are missing.

    Used by any thread; never changes.
    """

    def __init__(self, expected: Mapping[UUID, ExpectedPassword] | None = None) -> None:
        """Take what was found at the start.

        Args:
            expected: By user id; None when no password is configured
                in plain text.
        """
        self._expected = dict(expected or {})

    def of(self, user: User) -> str | None:
        """Find the password that is valid instead of the stored hash.

        Args:
            user: As stored now.

        Returns:
            The password in plain text, None when the hash is valid.
        """
        expected = self._expected.get(user.user_id)
        counts = expected is not None and expected.stored_hash == user.password_hash
        return expected.password if expected is not None and counts else None

    def items(self) -> Sequence[tuple[UUID, ExpectedPassword]]:
        """List what must be hashed.

        Returns:
            User ids with their passwords.
        """
        return tuple(self._expected.items())


def admit_users(
    store: UserStore, credentials: Sequence[Credential], clock: Clock
) -> ConfiguredPasswords:
    """Add configured users before a service listens, hashing nothing.

    Args:
        store: Where users are kept.
        credentials: The configured users; their hashes were checked
            before.
        clock: The creation time of new users.

    Returns:
        The passwords that are not hashed yet.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    changed: list[User] = []
    expected: dict[UUID, ExpectedPassword] = {}
    for credential in credentials:
        user_id = user_id_for(credential.username)
        stored = store.get(user_id)
        known = stored or User(user_id, credential.username, NO_PASSWORD_YET, clock.now_ms())
        wanted = (
            known
            if credential.password_hash is None
            else replace(known, password_hash=credential.password_hash)
        )
        if stored != wanted:
            changed.append(wanted)
        if credential.password is not None and credential.password_hash is None:
            expected[user_id] = ExpectedPassword(credential.password, wanted.password_hash)
    with ThreadPoolExecutor(
        PARALLEL_WRITES, thread_name_prefix="users", initializer=show_own_name
    ) as writers:
        list(writers.map(store.put, changed))
    return ConfiguredPasswords(expected)


class PasswordHashing:
    """Hashes configured passwords in the background, one by one."""

    def __init__(
        self,
        store: UserStore,
        hasher: PasswordHasher,
        passwords: ConfiguredPasswords,
        clock: Clock,
    ) -> None:
        """Put the parts together.

        Args:
            store: Where users are kept.
            hasher: Not shared with logins, so that none waits for it.
            passwords: What must be hashed.
            clock: Measures a hash, because the pause after it is as
                long.
        """
        self._store = store
        self._hasher = hasher
        self._passwords = passwords
        self._clock = clock

    def run(self, stopping: threading.Event) -> None:
        """Store all hashes unless stopped; a later start goes on.

        After each password the thread rests for as long as it worked,
        so that at least three quarters of two cores are left to
        requests.

        Args:
            stopping: Ends the work after at most one more password.
        """
        waiting = deque(self._passwords.items())
        retry_waits = backoff.delays(0.2, MAX_RETRY_S)
        while waiting and not stopping.is_set():
            began = self._clock.monotonic()
            try:
                self._store_hash(*waiting[0])
            except StoreUnavailable as error:
                pause = next(retry_waits)
                _log.warning(
                    "retry",
                    f"a configured password cannot be stored yet, next try in {pause:.1f} s",
                    error_type=type(error).__name__,
                )
            else:
                waiting.popleft()
                retry_waits = backoff.delays(0.2, MAX_RETRY_S)
                pause = self._clock.monotonic() - began
            if waiting:
                stopping.wait(pause)
        if not waiting and self._passwords.items():
            _log.info("passwords_stored", "the hash of every configured password is stored")

    def _store_hash(self, user_id: UUID, expected: ExpectedPassword) -> None:
        """Store one hash unless a newer one, or its own, is there."""
        stored = self._store.get(user_id)
        if stored is None or stored.password_hash != expected.stored_hash:
            return
        if self._hasher.is_hash(stored.password_hash) and self._hasher.verify(
            expected.password, stored.password_hash
        ):
            return
        password_hash = self._hasher.hash(expected.password)
        # Somebody may have set another password meanwhile: that one
        # is kept.
        stored = self._store.get(user_id)
        if stored is not None and stored.password_hash == expected.stored_hash:
            self._store.put(replace(stored, password_hash=password_hash))
