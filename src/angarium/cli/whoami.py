"""`angarium whoami` and `logout`: the logins that are kept."""

import argparse
import json
from datetime import UTC, datetime

from angarium.cli.arguments import (
    Commands,
    add_command,
    add_json,
    add_login,
    add_server,
    username,
)
from angarium.cli.console import Console
from angarium.cli.credentials import Credentials, SavedLogin, login_command
from angarium.cli.errors import CommandError, UsageError
from angarium.cli.message_lines import local_time
from angarium.cli.session import find_login, server_url
from angarium.domain.identifiers import user_id_for

_FIELDS = "print a JSON object: username, user_id, url, expires_at"


def register(commands: Commands) -> None:
    """Add the commands.

    Args:
        commands: The parser's list of commands.
    """
    who = add_command(
        commands,
        "whoami",
        _whoami,
        "show the login in use",
        "Show which login the commands use, and until when its token is valid. The server is not "
        "asked.",
        "angarium whoami\nangarium whoami --as bob --json",
    )
    add_server(who)
    add_login(who)
    add_json(who, _FIELDS)
    out = add_command(
        commands,
        "logout",
        _logout,
        "forget a login",
        "Forget the token of a login: the one in use, or the one that is named. The other logins "
        "are kept. Whoever has a copy of the token can use it until it expires.",
        "angarium logout\nangarium logout bob",
    )
    out.add_argument("name", metavar="NAME", nargs="?", type=username, help="the username")
    add_server(out)
    add_login(out)
    add_json(out, _FIELDS)


def _whoami(arguments: argparse.Namespace, console: Console) -> int:
    """Print the login that the other commands would use."""
    login = find_login(arguments, console)
    if arguments.json:
        console.say(_json(login))
    else:
        console.say(f"{login.username} at {login.url}{_until(login, console)}")
    return 0


def _logout(arguments: argparse.Namespace, console: Console) -> int:
    """Remove a login's file, and say which login is in use then."""
    if arguments.name is not None and arguments.login not in {None, arguments.name}:
        raise UsageError("logout: NAME and --as are different users; name one")
    url = server_url(arguments, console)
    credentials = Credentials.of(console.environment)
    name: str | None = arguments.name or arguments.login
    try:
        login = credentials.find(url, name)
    except CommandError:
        if name is None:
            raise
        # A damaged one is forgotten too.
        credentials.forget(url, name)
        login = SavedLogin(url, name, str(user_id_for(name)), "", 0)
    else:
        credentials.forget(url, login.username)
    if arguments.json:
        console.say(_json(login))
        return 0
    console.say(f"{login.username} is logged out at {url}")
    try:
        console.note(f"{credentials.find(url, None).username} is the login in use now")
    except CommandError:
        # Nobody is, or the next one is damaged: `whoami` says so.
        return 0
    return 0


def _until(login: SavedLogin, console: Console) -> str:
    """Say until when a login is valid, or since when it is not."""
    if login.expires_at is None:
        return ""
    until = datetime.fromtimestamp(login.expires_at, UTC)
    if until <= datetime.now(UTC):
        command = login_command(login.url, login.username, console.environment)
        return f", expired at {local_time(until)}: log in again with {command}"
    return f" until {local_time(until)}"


def _json(login: SavedLogin) -> str:
    """Describe a login for --json, without its token."""
    until = None
    if login.expires_at is not None:
        moment = datetime.fromtimestamp(login.expires_at, UTC)
        until = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "username": login.username,
            "user_id": login.user_id,
            "url": login.url,
            "expires_at": until,
        }
    )
