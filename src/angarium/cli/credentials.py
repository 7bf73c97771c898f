"""Who is logged in where: a private file for each login."""

import hashlib
import json
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self, cast

from angarium.cli.errors import CommandError
from angarium.client.bodies import is_token
from angarium.client.client import DEFAULT_URL

FOLDER_MODE = 0o700
FILE_MODE = 0o600


def login_command(url: str, username: str, environment: Mapping[str, str]) -> str:
    """Say what to type to log in at a server.

    Args:
        url: The server.
        username: Who logs in.
        environment: Its `ANGARIUM_URL` need not be typed.

    Returns:
        A command between backticks, as hints have it.
    """
    configured = environment.get("ANGARIUM_URL") or DEFAULT_URL
    where = "" if url == configured.rstrip("/") else f" --url {shlex.quote(url)}"
    return f"`angarium login {username}{where}`"


def write_private(path: Path, content: bytes) -> None:
    """Write a file for its owner alone.

    Args:
        path: The file; its folder is made when it is missing, and
            closed to others.
        content: What it will have in it.
    """
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path.parent.chmod(FOLDER_MODE)
    # mkstemp makes the file with mode 0600 at once: there is no moment
    # at which others can open it.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class SavedLogin:
    """A token that was kept.

    Attributes:
        url: The server that gave it.
        username: The user that logged in.
        user_id: The same as an id.
        access_token: The token.
        logged_in_at: Nanoseconds since the epoch; a server's newest
            login is meant when none is named.
        expires_at: Seconds since the epoch; None in a file of an older
            version.
    """

    url: str
    username: str
    user_id: str
    access_token: str = field(repr=False)
    logged_in_at: int
    expires_at: int | None = None


class Credentials:
    """The logins of one person on this machine."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Use a folder; it is made by the first write."""
        self._folder = folder
        self._environment = environment

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Find the folder by the XDG Base Directory Specification.

        Args:
            environment: Has `XDG_CONFIG_HOME`, or else `HOME`.

        Returns:
            The credentials in `<config>/angarium`.

        Raises:
            CommandError: Neither variable names a folder.
        """
        configured = Path(environment.get("XDG_CONFIG_HOME", ""))
        if configured.is_absolute():
            return cls(configured / "angarium", environment)
        home = Path(environment.get("HOME", ""))
        if not home.is_absolute():
            raise CommandError(
                "no folder for logins: set HOME or XDG_CONFIG_HOME to an absolute path"
            )
        return cls(home / ".config" / "angarium", environment)

    def keep(self, login: SavedLogin) -> None:
        """Store a login; it replaces the user's older one there.

        Args:
            login: What to keep.

        Raises:
            CommandError: The file cannot be written.
        """
        self._write(_file_name(login.url, login.username), asdict(login))

    def find(self, url: str, username: str | None) -> SavedLogin:
        """Find the login to use.

        Args:
            url: The server.
            username: The user; None for the last one to log in there.

        Returns:
            The login.

        Raises:
            CommandError: There is none, or its file is damaged.
        """
        here = list(self._logins_at(url, username))
        wanted = [login for login in here if username in {None, login.username}]
        if wanted:
            return max(wanted, key=lambda login: login.logged_in_at)
        if username is None:
            hint = login_command(url, "NAME", self._environment)
            raise CommandError(f"no one is logged in at {url}: log in with {hint}")
        there = ", ".join(sorted(login.username for login in here)) or "no one"
        raise CommandError(
            f"{username} is not logged in at {url} (logged in there: {there}): log in with "
            f"{login_command(url, username, self._environment)}"
        )

    def forget(self, url: str, username: str) -> None:
        """Remove a login, also a damaged one.

        Args:
            url: The server.
            username: The user.

        Raises:
            CommandError: It is not there, or cannot be removed.
        """
        path = self._folder / _file_name(url, username)
        try:
            path.unlink()
        except FileNotFoundError:
            # Says who is logged in there.
            self.find(url, username)
        except OSError as error:
            raise CommandError(f"cannot remove {path}: {error.strerror}") from error

    def _logins_at(self, url: str, username: str | None) -> Iterator[SavedLogin]:
        """Read the logins at a server; raise at a damaged one."""
        # A damaged file of another user is no reason to fail.
        for path in sorted(self._folder.glob(_file_name(url, "*"))):
            login = _login(_read(path))
            if login is not None and login.url == url:
                yield login
            elif username is None or path.name == _file_name(url, username):
                raise CommandError(f"{path} is damaged: remove it, then log in again")

    def _write(self, name: str, document: object) -> None:
        """Write JSON; a failure names the file."""
        path = self._folder / name
        try:
            write_private(path, json.dumps(document, indent=1).encode())
        except OSError as error:
            raise CommandError(f"cannot write {path}: {error.strerror}") from error


def _file_name(url: str, username: str) -> str:
    """Name a login's file by the server's hash and the user."""
    server = hashlib.sha256(url.encode()).hexdigest()[:16]
    return f"login-{server}-{username}.json"


def _read(path: Path) -> object:
    """Read a JSON file; None where it is missing or no JSON."""
    try:
        return cast("object", json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    except ValueError:
        return None


def _login(document: object) -> SavedLogin | None:
    """Check a stored login; None where a member is missing or wrong."""
    if not isinstance(document, dict):
        return None
    fields = cast("Mapping[str, object]", document)
    url, username = fields.get("url"), fields.get("username")
    user_id, token = fields.get("user_id"), fields.get("access_token")
    logged_in_at = fields.get("logged_in_at")
    if not (isinstance(url, str) and isinstance(username, str) and isinstance(user_id, str)):
        return None
    if not (isinstance(token, str) and is_token(token)):
        return None
    if not isinstance(logged_in_at, int):
        return None
    expires_at = fields.get("expires_at")
    return SavedLogin(
        url,
        username,
        user_id,
        token,
        logged_in_at,
        expires_at if isinstance(expires_at, int) else None,
    )
