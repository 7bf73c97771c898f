"""`angarium users`: who may log in."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from angarium.cli.arguments import Commands, add_command, add_json, username
from angarium.cli.console import Console
from angarium.cli.errors import CommandError
from angarium.cli.message_lines import local_time
from angarium.cli.start_settings import command_logs, settings_with_data
from angarium.config import Settings
from angarium.domain.identifiers import user_id_for
from angarium.domain.password import RULE, is_password, new_password_fault
from angarium.domain.user import User

if TYPE_CHECKING:
    from angarium.wiring import UserAdmin


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "users",
        _list,
        "list and add users",
        "List the users. Works while the service runs; a running service sees a new user at once.",
        "angarium users\nangarium users add erin\nangarium users hash",
    )
    add_json(parser, "print a JSON object")
    parts = parser.add_commands()
    add = add_command(
        parts,
        "add",
        _add,
        "add a user, or give one a new password",
        "Add a user, or give an existing one a new password, of 8 to 1,024 bytes. The password "
        "comes from a prompt, or is a line of stdin if that is not a terminal. The data must "
        "exist already.",
        "angarium users add erin\npwgen 20 1 | angarium users add erin",
    )
    add.add_argument(
        "name", metavar="NAME", type=username, help="1 to 64 characters from a-z 0-9 . _ -"
    )
    add_json(add, "print a JSON object")
    hashing = add_command(
        parts,
        "hash",
        _hash,
        "print a password's hash",
        "Print the hash of a password from a prompt or a line of stdin, for `password_hash` in "
        "the file that ANGARIUM_USERS names.",
        "angarium users hash",
    )
    add_json(hashing, "print a JSON object")


def _list(arguments: argparse.Namespace, console: Console) -> int:
    """Print every user, by name."""
    with _identity(settings_with_data(console), console) as admin:
        users = admin.users.all()
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
    """Create a user or replace the password of one."""
    name: str = arguments.name
    settings = settings_with_data(console)
    password = console.ask_password(f"new password of {name}", twice=True)
    fault = new_password_fault(password)
    if fault is not None:
        raise CommandError(f"the password {fault}; {RULE}")
    with _identity(settings, console) as admin:
        before = admin.users.get(user_id_for(name))
        user = admin.provisioning.put(name, password)
    console.say(
        json.dumps(_fields(user))
        if arguments.json
        else f"{_outcome(before, user)} ({user.user_id})"
    )
    return 0


def _outcome(before: User | None, user: User) -> str:
    """Say what became of a user.

    Args:
        before: As stored before, None where there was none.
        user: As stored now.

    Returns:
        The beginning of a sentence for a person.
    """
    if before is None:
        return f"{user.username} can log in"
    if before.password_hash == user.password_hash:
        return f"{user.username} has this password already"
    return f"{user.username} has a new password"


def _hash(arguments: argparse.Namespace, console: Console) -> int:
    """Print a hash; needs neither settings nor data."""
    from angarium.engines.secrets.passwords import ScryptHasher

    password = console.ask_password("password", twice=True)
    if not is_password(password):
        raise CommandError(f"the password {new_password_fault(password)}; {RULE}")
    password_hash = ScryptHasher().hash(password)
    console.say(json.dumps({"password_hash": password_hash}) if arguments.json else password_hash)
    return 0


@contextmanager
def _identity(settings: Settings, console: Console) -> Iterator["UserAdmin"]:
    """Open the user store for the block."""
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring

    with command_logs(settings, console), wiring.open_identity(settings) as admin:
        yield admin


def _fields(user: User) -> dict[str, str]:
    """Describe a user for --json, without the hash."""
    moment = datetime.fromtimestamp(user.created_at / 1000, UTC).isoformat(timespec="milliseconds")
    return {
        "user_id": str(user.user_id),
        "username": user.username,
        "created_at": moment.replace("+00:00", "Z"),
    }
