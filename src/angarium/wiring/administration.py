"""What commands open beside a running service: users, dead letters."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from angarium.clock import Clock, SystemClock
from angarium.config import DEMO_USERS, ConfiguredUser, Settings
from angarium.config.users import demo_password
from angarium.domain.errors import SetupError, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.ports.users import UserStore
from angarium.services.configured_passwords import (
    ConfiguredPasswords,
    Credential,
    PasswordHashing,
    admit_users,
)
from angarium.services.dead_letters import DeadLetters
from angarium.services.persistent_users import PersistentUsers
from angarium.services.users import Provisioning
from angarium.threads import show_own_name
from angarium.wiring.embedded import embedded_logs, embedded_users

PARALLEL_HASHES = 2
"""As many as one hasher runs at once; each takes 16 MiB by default."""


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
def open_identity(settings: Settings, timeout_s: float = 0.0) -> Iterator[UserAdmin]:
    """Open the users only; a service may be running.

    Args:
        settings: The engine and its address or folder.
        timeout_s: Seconds for all calls to a store that fails at first;
            0 waits for a connection only.

    Yields:
        The users and their provisioning, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
        StoreUnavailable: The engine cannot be reached.
    """
    expires_at = time.monotonic() + timeout_s
    with _users(settings, timeout_s) as store:
        users = PersistentUsers(store, lambda: expires_at - time.monotonic())
        yield UserAdmin(users, Provisioning(users, ScryptHasher(), SystemClock()))


def _users(settings: Settings, timeout_s: float) -> AbstractContextManager[UserStore]:
    """Choose the engine; the embedded one needs no driver."""
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import FIRST_CONNECTION_S, distributed_users

        return distributed_users(settings, max(FIRST_CONNECTION_S, timeout_s))
    return embedded_users(settings)


def provision(
    settings: Settings,
    provisioning: Provisioning,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Add configured users and change passwords; remove nobody.

    Args:
        settings: The users.
        provisioning: Writes them to the store.
        progress: Called with the number of users that are done.

    Raises:
        SetupError: Some users are invalid; a line for each.
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
            # Do not wait for users that have not begun.
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    if problems:
        raise SetupError("\n".join(problems))


def admit_configured_users(
    settings: Settings, users: UserStore, clock: Clock
) -> ConfiguredPasswords:
    """Add configured users before a service listens.

    Their passwords are hashed while it runs (docs/adr/0011).

    Args:
        settings: The users.
        users: Where they are kept.
        clock: The creation time of new users.

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
    """Make the background job that hashes configured passwords.

    Args:
        users: Where the hashes are kept.
        configured: The passwords.
        clock: Measures each hash.

    Returns:
        The job; its `run` needs a thread of its own.
    """
    return PasswordHashing(users, ScryptHasher(parallelism=1), configured, clock)


def refuse_public_passwords(
    settings: Settings, users: UserStore, configured: ConfiguredPasswords | None = None
) -> None:
    """Refuse to serve other machines while demo passwords are stored.

    Demo users of an earlier start have passwords that everybody knows.

    Args:
        settings: Whether other machines can reach the API.
        users: Those that are stored.
        configured: Passwords that are valid instead of stored hashes;
            reading the settings has checked them.

    Raises:
        SetupError: Names all of these users.
        StoreUnavailable: The store did not answer.
    """
    if not settings.is_exposed:
        return
    hasher = ScryptHasher(PARALLEL_HASHES)

    def is_public(user: ConfiguredUser) -> bool:
        """Return whether a demo user still has its demo password."""
        valid_hash = _valid_hash(user, users, configured)
        return valid_hash is not None and hasher.verify(demo_password(user.username), valid_hash)

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
            f"{', '.join(public)}; give each a new one with `angarium users add NAME` (or in the "
            "file of ANGARIUM_USERS, followed by `angarium init`), or set ANGARIUM_DEMO=1 to keep "
            "them"
        )


def has_public_logins(
    settings: Settings, users: UserStore, configured: ConfiguredPasswords | None = None
) -> bool:
    """Return whether a password that everybody knows logs somebody in.

    Nothing is hashed for it: demo users are stored with hashes that the
    program has.

    Args:
        settings: The configured users.
        users: The stored ones; demo users of an earlier start stay.
        configured: Passwords that are valid instead of stored hashes.

    Returns:
        True if there is one. A store that does not answer has none: a
        service for others must not refuse them because of an outage.
    """
    if settings.allows_demo_users or any(user.has_public_password for user in settings.users):
        return True
    try:
        return any(
            _valid_hash(user, users, configured) == user.password_hash for user in DEMO_USERS
        )
    except StoreUnavailable:
        return False


def _valid_hash(
    user: ConfiguredUser, users: UserStore, configured: ConfiguredPasswords | None
) -> str | None:
    """Return the stored hash that logs a user in, None without one."""
    stored = users.get(user_id_for(user.username))
    if stored is None or (configured is not None and configured.of(stored) is not None):
        return None
    return stored.password_hash


def _provision(user: ConfiguredUser, provisioning: Provisioning) -> list[str]:
    """Add one user or change its password; return what is invalid."""
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


@contextmanager
def open_dead_letters(settings: Settings) -> Iterator[DeadLetters]:
    """Open log and dead letters only; a service may be running.

    Args:
        settings: The engine and its address or folder.

    Yields:
        The dead letters, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
        LogUnavailable: The engine cannot be reached.
    """
    with _open_logs(settings) as (log, letters):
        yield DeadLetters(letters, log)


def _open_logs(settings: Settings) -> AbstractContextManager[tuple[MessageLog, DeadLetterLog]]:
    """Choose the engine; the embedded one needs no driver."""
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import distributed_logs

        return distributed_logs(settings)
    return embedded_logs(settings)
