"""`angarium users`: who may log in."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from angarium import logs
from angarium.cli.arguments import Commands, Parser, add_command, add_json, username
from angarium.cli.console import Console
from angarium.cli.data import require_data
from angarium.cli.message_lines import local_time
from angarium.config import Settings
from angarium.domain.user import User

if TYPE_CHECKING:
    from angarium.wiring import IdentityRoom


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: Where it belongs.
    """
    parser = add_command(
        commands,
        "users",
        _list,
        "list and add users",
        "List the users. Works beside a running service, which sees a new user at once.",
        "angarium users\nangarium users add erin\nangarium users hash",
    )
    add_json(parser, "print a JSON object")
    parts = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    add = add_command(
        parts,
        "add",
        _add,
        "add a user, or give one a new password",
        "Add a user, or give one that exists a new password. The password comes from a prompt, or a line of "
        "stdin when that is no terminal.",
        "angarium users add erin\npwgen 20 1 | angarium users add erin",
    )
    add.add_argument("name", metavar="NAME", type=username, help="1 to 64 of a-z 0-9 . _ -")
    add_json(add, "print a JSON object")
    hashing = add_command(
        parts,
        "hash",
        _hash,
        "print a password's hash",
        "Print the hash of a password from a prompt or a line of stdin, for `password_hash` in the file that "
        "ANGARIUM_USERS names.",
        "angarium users hash",
    )
    add_json(hashing, "print a JSON object")


def _list(arguments: argparse.Namespace, console: Console) -> int:
    with _identity(console, makes_data=False) as room:
        users = room.users.all()
    if arguments.json:
        console.say(json.dumps({"users": [_fields(user) for user in users]}))
        return 0
    widest = max((len(user.username) for user in users), default=0)
    for user in users:
        moment = local_time(datetime.fromtimestamp(user.created_at / 1000, UTC))
        console.say(f"{user.username:<{widest}}  {user.user_id}  {moment}")
    if not users:
        console.note("there are no users yet: `angarium init` adds the configured ones")
    return 0


def _add(arguments: argparse.Namespace, console: Console) -> int:
    name: str = arguments.name
    password = console.ask_password(f"new password of {name}", twice=True)
    with _identity(console, makes_data=True) as room:
        user = room.provisioning.put(name, password)
    console.say(
        json.dumps(_fields(user)) if arguments.json else f"{user.username} can log in ({user.user_id})"
    )
    return 0


def _hash(arguments: argparse.Namespace, console: Console) -> int:
    from angarium.engines.secrets.passwords import ScryptHasher

    password_hash = ScryptHasher().hash(console.ask_password("password", twice=True))
    console.say(json.dumps({"password_hash": password_hash}) if arguments.json else password_hash)
    return 0


@contextmanager
def _identity(console: Console, makes_data: bool) -> Iterator["IdentityRoom"]:
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    # The engines are loaded only by the commands that use them: the clients start faster without.
    from angarium import wiring

    if not makes_data:
        require_data(settings)
    handler = logs.configure("cli", "WARNING", settings.log_format, console.stderr)
    try:
        with wiring.open_identity(settings) as room:
            yield room
    finally:
        handler.close()


def _fields(user: User) -> dict[str, str]:
    moment = datetime.fromtimestamp(user.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "user_id": str(user.user_id),
        "username": user.username,
        "created_at": moment.replace("+00:00", "Z"),
    }
