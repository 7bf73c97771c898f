"""Users, for the commands that manage them and for every start."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from angarium.clock import Clock, SystemClock
from angarium.config import DEMO_USERS, ConfiguredUser, Settings
from angarium.config.users import demo_password
from angarium.domain.errors import SetupError
from angarium.domain.identifiers import user_id_for
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.ports.users import UserStore
from angarium.services.configured_passwords import (
    ConfiguredPasswords,
    Credential,
    PasswordHashing,
    admit_users,
)
from angarium.services.persistent_users import PersistentUsers
from angarium.services.users import Provisioning
from angarium.threads import show_own_name
from angarium.wiring.embedded import embedded_users

PARALLEL_HASHES = 2
"""As many as the hasher lets run at once."""


@dataclass(frozen=True, slots=True)
class UserAdmin:
    """What the commands about users need.

    Attributes:
        users: Where users are kept.
        provisioning: Adds users and changes passwords.
    """

    users: UserStore
    provisioning: Provisioning


@contextmanager
def open_identity(settings: Settings, timeout: float = 0.0) -> Iterator[UserAdmin]:
    """Open just what the commands about users need, beside a running
    service or without one.

    Args:
        settings: Names the engine.
        timeout: Seconds to wait, from now on, for a store that does not
            do what it is asked yet; 0 waits for a connection alone.

    Yields:
        The users and their provisioning, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
        StoreUnavailable: The engine cannot be reached.
    """
    give_up_at = time.monotonic() + timeout
    with _users(settings, timeout) as store:
        users = PersistentUsers(store, lambda: give_up_at - time.monotonic())
        yield UserAdmin(users, Provisioning(users, ScryptHasher(), SystemClock()))


def _users(settings: Settings, timeout: float) -> AbstractContextManager[UserStore]:
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import FIRST_CONNECTION_SECONDS, distributed_users

        return distributed_users(settings, max(FIRST_CONNECTION_SECONDS, timeout))
    return embedded_users(settings)


def provision(
    settings: Settings,
    provisioning: Provisioning,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Add the configured users, or give them their new passwords; none
    is removed.

    Args:
        settings: Names the users.
        provisioning: Puts them into the store.
        progress: Told after each user how many are done.

    Raises:
        SetupError: Some cannot be as they are configured; a line for
            each.
        StoreUnavailable: The store did not answer.
    """
    problems: list[str] = []
    with ThreadPoolExecutor(
        PARALLEL_HASHES, thread_name_prefix="users", initializer=show_own_name
    ) as threads:
        done = [threads.submit(_provision, user, provisioning) for user in settings.users]
        try:
            for number, future in enumerate(done, 1):
                problems += future.result()
                progress(number)
        except BaseException:
            # What has not begun is not waited for.
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    if problems:
        raise SetupError("\n".join(problems))


def admit_configured_users(
    settings: Settings, users: UserStore, clock: Clock
) -> ConfiguredPasswords:
    """Make the configured users known before a service listens; their
    passwords are hashed beside it.

    Args:
        settings: Name the users.
        users: Where they are kept.
        clock: Tells the time.

    Returns:
        The passwords that are not hashed yet.

    Raises:
        StoreUnavailable: The store did not answer.
    """
    credentials = [
        Credential(user.username, user.password, user.password_hash) for user in settings.users
    ]
    return admit_users(users, credentials, clock)


def password_hashing(
    users: UserStore, configured: ConfiguredPasswords, clock: Clock
) -> PasswordHashing:
    """Put together what hashes the configured passwords.

    Args:
        users: Where the hashes are kept.
        configured: The passwords.
        clock: Measures what a hash costs.

    Returns:
        What runs in a thread of its own.
    """
    return PasswordHashing(users, ScryptHasher(parallelism=1), configured, clock)


def refuse_public_passwords(
    settings: Settings, users: UserStore, configured: ConfiguredPasswords | None = None
) -> None:
    """Refuse to serve others while demo users of an earlier start have
    the passwords that everybody knows.

    Args:
        settings: Tell who may reach the API.
        users: Those that are stored.
        configured: Passwords that count in place of stored ones, and
            that the settings have judged.

    Raises:
        SetupError: Names all of these users.
        StoreUnavailable: The store did not answer.
    """
    if not settings.is_exposed:
        return
    hasher = ScryptHasher(PARALLEL_HASHES)

    def is_public(user: ConfiguredUser) -> bool:
        stored = users.get(user_id_for(user.username))
        if stored is None or (configured is not None and configured.of(stored) is not None):
            return False
        return hasher.verify(demo_password(user.username), stored.password_hash)

    with ThreadPoolExecutor(
        PARALLEL_HASHES, thread_name_prefix="users", initializer=show_own_name
    ) as threads:
        public = [
            user.username
            for user, found in zip(DEMO_USERS, threads.map(is_public, DEMO_USERS), strict=True)
            if found
        ]
    if public:
        raise SetupError(
            f"{settings.exposure}, and everybody knows the passwords of the stored demo users "
            f"{', '.join(public)}; give each a new one with "
            "`angarium users add NAME` (or in the file of ANGARIUM_USERS, followed by `angarium "
            "init`), or "
            "set ANGARIUM_DEMO=1 to keep them all the same"
        )


def _provision(user: ConfiguredUser, provisioning: Provisioning) -> list[str]:
    """Add one user, or give it its new password.

    Args:
        user: As configured.
        provisioning: Puts it into the store.

    Returns:
        What keeps it from being as it is configured; nothing at best.
    """
    try:
        if user.password_hash is not None:
            provisioning.put_hash(user.username, user.password_hash)
        elif user.password is not None:
            provisioning.put(user.username, user.password)
        else:
            return [f"user {user.username!r} has neither a password nor a password_hash"]
    except SetupError as error:
        return [str(error)]
    return []
