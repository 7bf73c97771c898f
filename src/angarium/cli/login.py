"""`angarium login`: a password becomes a token that is kept."""

import argparse
from datetime import UTC, datetime

from angarium.cli.arguments import Commands, add_command, add_json, add_server, username
from angarium.cli.console import Console
from angarium.cli.credentials import Credentials
from angarium.cli.errors import CommandError
from angarium.cli.message_lines import local_time
from angarium.cli.session import SLOW_LOGIN_S, keep_login, open_client, server_url
from angarium.client import RequestFailed


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "login",
        _run,
        "log in and keep a token",
        "Exchange a password for a token and keep the token under $XDG_CONFIG_HOME/angarium "
        "(~/.config/angarium), readable by you alone. The password comes from a prompt, or is a "
        "line of stdin if that is not a terminal. Logins of several users are kept side by side; "
        "commands use the last one unless `--as` names another.",
        "angarium login alice\necho alice-demo | angarium login alice",
    )
    parser.add_argument("name", metavar="NAME", type=username, help="the username")
    add_server(parser)
    add_json(parser, "print the API's own body, which has the token in it")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Get a token for a password and store it."""
    name: str = arguments.name
    url = server_url(arguments, console)
    credentials = Credentials.of(console.environment)
    password = console.ask_password(f"password of {name}")
    try:
        with open_client(url, console, SLOW_LOGIN_S) as client:
            token = client.api.log_in(name, password)
    except RequestFailed as failure:
        if failure.code == "invalid_credentials":
            raise CommandError(f"wrong username or password for {name} at {url}") from failure
        raise
    login = keep_login(credentials, url, name, token)
    if arguments.json:
        console.say_json(token.text)
    else:
        until = local_time(datetime.fromtimestamp(login.expires_at or 0, UTC))
        console.say(f"{name} is logged in at {url} until {until}")
    return 0
