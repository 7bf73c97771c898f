"""Users, for the commands that manage them and for every start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from angarium.clock import SystemClock
from angarium.config import DEMO_USERS, ConfiguredUser, Settings
from angarium.domain.errors import SetupError
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.ports.users import UserStore
from angarium.services.users import Provisioning
from angarium.wiring.embedded import embedded_users


@dataclass(frozen=True, slots=True)
class IdentityRoom:
    """What the commands about users need.

    Attributes:
        users: Where users are kept.
        provisioning: Adds users and changes passwords.
    """

    users: UserStore
    provisioning: Provisioning


@contextmanager
def open_identity(settings: Settings) -> Iterator[IdentityRoom]:
    """Open just what the commands about users need, beside a running service or without one.

    Args:
        settings: Names the engine.

    Yields:
        The users and their provisioning, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
        StoreUnavailable: The engine cannot be reached.
    """
    with _users(settings) as users:
        yield IdentityRoom(users, Provisioning(users, ScryptHasher(), SystemClock()))


def _users(settings: Settings) -> AbstractContextManager[UserStore]:
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import distributed_users

        return distributed_users(settings)
    return embedded_users(settings)


def provision(settings: Settings, provisioning: Provisioning) -> None:
    """Add the configured users, or give them their new passwords; none is removed.

    Args:
        settings: Names the users.
        provisioning: Puts them into the store.

    Raises:
        SetupError: Some cannot be as they are configured; a line for each.
        StoreUnavailable: The store did not answer.
    """
    problems: list[str] = []
    for user in settings.users:
        try:
            _provision(user, provisioning)
        except SetupError as error:
            problems.append(str(error))
    if problems:
        raise SetupError("\n".join(problems))


def refuse_public_passwords(settings: Settings, users: UserStore) -> None:
    """Refuse to serve others while demo users of an earlier start have the passwords that everybody knows.

    Args:
        settings: Tell who may reach the API.
        users: Those that are stored.

    Raises:
        SetupError: Names all of these users.
        StoreUnavailable: The store did not answer.
    """
    if not settings.is_exposed:
        return
    provisioning = Provisioning(users, ScryptHasher(), SystemClock())
    open_to_all = [
        user.username
        for user in DEMO_USERS
        if user.password is not None and provisioning.has_password(user.username, user.password)
    ]
    if open_to_all:
        raise SetupError(
            f"{settings.exposure}, and everybody knows the passwords of the stored demo users "
            f"{', '.join(open_to_all)}; give each a new one with "
            "`angarium users add NAME` (or in the file of ANGARIUM_USERS, followed by `angarium init`), or "
            "set ANGARIUM_DEMO=1 to keep them all the same"
        )


def _provision(user: ConfiguredUser, provisioning: Provisioning) -> None:
    if user.password_hash is not None:
        provisioning.put_hash(user.username, user.password_hash)
    elif user.password is not None:
        provisioning.put(user.username, user.password)
    else:
        raise SetupError(f"user {user.username!r} has neither a password nor a password_hash")
