"""Users, for the commands that manage them and for every start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from angarium.clock import SystemClock
from angarium.config import Settings
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
    """
    for user in settings.users:
        if user.password_hash is not None:
            provisioning.put_hash(user.username, user.password_hash)
        elif user.password is not None:
            provisioning.put(user.username, user.password)
        else:
            raise SetupError(f"user {user.username!r} has neither a password nor a password_hash")
