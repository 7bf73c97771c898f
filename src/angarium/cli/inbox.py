"""`angarium inbox`: messages that are not delivered yet."""

import argparse

from angarium.cli.arguments import (
    Commands,
    add_command,
    add_json,
    add_login,
    add_server,
    at_least_one,
)
from angarium.cli.console import Console
from angarium.cli.message_lines import message_line
from angarium.cli.session import open_session

DEFAULT_LIMIT = 50
PAGE = 100


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "inbox",
        _run,
        "show undelivered messages",
        "Show the messages to you that are not delivered yet, from all conversations, oldest "
        "first. This does not confirm them; `angarium chat` does. With --json each page is one "
        "line.",
        "angarium inbox\nangarium inbox --as bob --json",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--limit",
        type=at_least_one,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"the oldest N (default: {DEFAULT_LIMIT})",
    )
    amount.add_argument("--all", action="store_true", help="every undelivered message")
    add_server(parser)
    add_login(parser)
    add_json(parser)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print undelivered messages without confirming them."""
    missing: float = float("inf") if arguments.all else arguments.limit
    shown = 0
    cursor: str | None = None
    with open_session(arguments, console) as session:
        names = session.credentials.names(console.complain)
        while missing > 0:
            page = session.client.inbox(int(min(missing, PAGE)), cursor)
            missing -= len(page.messages)
            shown += len(page.messages)
            if arguments.json:
                console.say_json(page.text)
            else:
                for message in page.messages:
                    console.say(message_line(message, names, session.login.user_id, console))
            cursor = page.next_cursor
            if cursor is None:
                break
    if not arguments.json and not shown:
        console.note("no undelivered messages")
    if not arguments.json and cursor is not None:
        console.note("there are more: use --all")
    return 0
