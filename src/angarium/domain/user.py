"""A user, and the caller that a token proves."""

import re
from dataclasses import dataclass
from uuid import UUID

_USERNAME = re.compile(r"[a-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in.

    Attributes:
        user_id: Made from the username, the same on every machine.
        username: 1 to 64 of `a-z 0-9 . _ -`.
        password_hash: A PHC string, `$scrypt$ln=…,r=…,p=…$salt$hash`.
        created_at: Milliseconds since the epoch.
    """

    user_id: UUID
    username: str
    password_hash: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a request, as its token proves.

    Attributes:
        user_id: The caller's id.
        username: The caller's name.
    """

    user_id: UUID
    username: str


def is_username(text: str) -> bool:
    """Say whether a text can be a user's name.

    Args:
        text: The candidate, compared exactly.

    Returns:
        True for 1 to 64 characters of `a-z 0-9 . _ -`.
    """
    return _USERNAME.fullmatch(text) is not None
