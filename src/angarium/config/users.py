"""The configured users: the four demo users, or those of a file."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from angarium.config.values import InvalidValue, quote
from angarium.domain.password import RULE, new_password_fault
from angarium.domain.user import is_username

MAX_BYTES = 16 * 1024 * 1024
"""Size of a users' file: room for more than 100,000 users."""

_PHC = re.compile(r"\$scrypt\$ln=[0-9]+,r=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class ConfiguredUser:
    """A user whom a start creates, or whose password it updates.

    Attributes:
        username: 1 to 64 characters from `a-z 0-9 . _ -`.
        password: None when only a hash is given.
        password_hash: A PHC string; where it is given, nothing is
            hashed. None when only a password is given.
    """

    username: str
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)

    @property
    def has_public_password(self) -> bool:
        """Whether the password is the demo's `<name>-demo`.

        False where only a hash is given.
        """
        return self.password == demo_password(self.username)


def demo_password(username: str) -> str:
    """Return the documented password of a demo user."""
    return f"{username}-demo"


DEMO_PEOPLE = ("alice", "bob", "carol", "dave")
"""Whom people try the service as."""

VERIFY_USERS = ("verify-1", "verify-2", "verify-3", "verify-4")
"""Who writes what `angarium verify` and `make demo` write, so that
people's conversations stay theirs.
"""

_SCRYPT = "$scrypt$ln=14,r=8,p=5$"
_DEMO_HASHES = {
    "alice": "kQQ0BTUtlNe+50VAebFFjQ$kDArp98lB1KyH1h1L/NryRpZwn2L36sEVPs1fg45i3M",
    "bob": "lTitT1fPN6y35a6IEBgzTA$e2jXzpKGF/cKqjp52U71YGUx2JgjE2MVJS+H4kbUpuY",
    "carol": "2mmF9jJEj1k8MaJLFlin9w$F7XSVf87tjREDDpiB5oP21nZq6xSRVOYYKwUpZ3ktxQ",
    "dave": "YneNfJTlTlhPq88dR9TG8w$vSr/SBudTLA+1Sv0kHajpMhioiOeRb6sRkgRTXPJe8c",
    "verify-1": "rwSKnjGUyI6OBwnloEC5GA$43GTK7mT+/jSaokcl2XLAxlj4LlSjtsTwTjg2toiJXg",
    "verify-2": "g3tPNtxC02/ogcQCeS+4sA$7p2k38/OQLYqGoe9tL1rGXu8t6Oj/dTr5kd0/0BE3bA",
    "verify-3": "B0ZL0o9U1Vs7aNYw9ywgWw$IPr9ThqSJqN7ZvyD4HPK9vwb1V5thD9Mtx0KK0NXNWQ",
    "verify-4": "kdgSjcFEZKYk3AS03V5xnw$wuGLaMBJ+bAmvh3+IDOO36uYoaDA0cNSfa9x6pzVsPQ",
}
"""Of the published passwords, which no salt can protect. To hash eight
of them at each start would keep half a core busy for two seconds.
"""

DEMO_USERS = tuple(
    ConfiguredUser(name, demo_password(name), _SCRYPT + _DEMO_HASHES[name])
    for name in DEMO_PEOPLE + VERIFY_USERS
)
"""Their passwords are published in the documentation."""


def read_users(
    path: Path, is_hash: Callable[[str], bool]
) -> tuple[tuple[ConfiguredUser, ...], tuple[str, ...]]:
    """Read a file of users, collecting every problem.

    Args:
        path: JSON, `[{"username", "password"} or {"username",
            "password_hash"}, …]`.
        is_hash: Tells whether a password hash is one that passwords are
            compared with.

    Returns:
        The users, and what is wrong with the file, one line each and
        never with a password.
    """
    try:
        entries = _entries(path)
    except InvalidValue as wrong:
        return (), (f"{wrong.reason}; {wrong.instead}",)
    users: list[ConfiguredUser] = []
    problems: list[str] = []
    first_seen: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        try:
            user = _user(entry, is_hash)
        except InvalidValue as wrong:
            problems.append(f"user {number} {wrong.reason}; {wrong.instead}")
            continue
        if user.username in first_seen:
            problems.append(
                f"user {number} is {quote(user.username)} like user {first_seen[user.username]};"
                " name each user once"
            )
        first_seen.setdefault(user.username, number)
        users.append(user)
    return tuple(users), tuple(problems)


def _entries(path: Path) -> list[object]:
    """Read the JSON list, or raise what is wrong with the file."""
    instead = 'write [{"username": "…", "password": "…"}, …]'
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
            size = max(len(data), os.fstat(file.fileno()).st_size)
    except OSError as error:
        raise InvalidValue(f"cannot be read: {error.strerror}", "let this user read it") from error
    if len(data) > MAX_BYTES:
        raise InvalidValue(f"has {size:,} bytes", f"write at most {MAX_BYTES:,}")
    try:
        document: object = json.loads(
            data.decode().removeprefix("\ufeff"), object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidValue(f"is not JSON at {place}: {error.msg}", instead) from error
    except UnicodeDecodeError as error:
        byte = f"byte 0x{error.object[error.start]:02x} at position {error.start}"
        raise InvalidValue(f"is not UTF-8 ({byte})", instead) from error
    except (ValueError, RecursionError) as error:
        raise InvalidValue("is not JSON in UTF-8", instead) from error
    if not isinstance(document, list):
        raise InvalidValue("is not a list of users", instead)
    if not document:
        raise InvalidValue("has no users in it", instead)
    return cast("list[object]", document)


@dataclass(frozen=True, slots=True)
class _RepeatedKey:
    """An object with a duplicate key; which value is meant is unknown.

    Attributes:
        key: The key.
    """

    key: str


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | _RepeatedKey:
    """Make an object of its members, or mark a duplicate key.

    Args:
        pairs: Its members.

    Returns:
        The object, or its first duplicate key.
    """
    members: dict[str, object] = {}
    for key, value in pairs:
        if key in members:
            return _RepeatedKey(key)
        members[key] = value
    return members


def _user(entry: object, is_hash: Callable[[str], bool]) -> ConfiguredUser:
    """Read one entry of the list."""
    if isinstance(entry, _RepeatedKey):
        raise InvalidValue(f"has the key {quote(entry.key)} twice", "write each key once")
    if not isinstance(entry, dict):
        raise InvalidValue("is not an object", 'write {"username": "…", "password": "…"}')
    fields = cast("dict[str, object]", entry)
    username = fields.get("username")
    if not isinstance(username, str):
        raise InvalidValue("has no username", "give it one")
    if not is_username(username):
        raise InvalidValue(
            f"is named {quote(username)}", "use 1 to 64 characters from a-z 0-9 . _ -"
        )
    password, password_hash = fields.get("password"), fields.get("password_hash")
    if (password is None) == (password_hash is None):
        has = (
            "neither password nor password_hash"
            if password is None
            else "both password and password_hash"
        )
        raise InvalidValue(f"({username}) has {has}", "write one of the two")
    if password is not None:
        return ConfiguredUser(username, password=_password(username, password))
    return ConfiguredUser(username, password_hash=_password_hash(username, password_hash, is_hash))


def _password(username: str, password: object) -> str:
    """Check a password as the rules for new ones ask."""
    if not isinstance(password, str) or not password:
        raise InvalidValue(
            f"({username}) has a password that is not a string or is empty", "write a string"
        )
    try:
        password.encode()
    except UnicodeEncodeError:
        raise InvalidValue(
            f"({username}) has a lone surrogate in its password", "write it in UTF-8"
        ) from None
    fault = new_password_fault(password)
    if fault is not None:
        raise InvalidValue(f"({username}) has a password that {fault}", RULE)
    return password


def _password_hash(username: str, password_hash: object, is_hash: Callable[[str], bool]) -> str:
    """Check that logins can be compared with this hash."""
    if not isinstance(password_hash, str) or _PHC.fullmatch(password_hash) is None:
        raise InvalidValue(
            f"({username}) has a password_hash that is not of the form "
            "$scrypt$ln=…,r=…,p=…$salt$hash",
            "write what `angarium users hash` prints",
        )
    if not is_hash(password_hash):
        raise InvalidValue(
            f"({username}) has a password_hash that is weaker or more expensive than allowed",
            "write what `angarium users hash` prints",
        )
    return password_hash
