"""`angarium inbox`: messages that are not delivered yet."""

import argparse

from angarium.cli.arguments import (
    DEFAULT_LIMIT,
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
        "first. They stay in the inbox until they are confirmed: by --confirm, or by `angarium "
        "chat`. With --json each page is one line.",
        "angarium inbox\nangarium inbox --confirm\nangarium inbox --as bob --json",
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
    parser.add_argument(
        "--confirm",
        action="store_true",
        help="confirm the delivery of what was shown, once it is written out",
    )
    add_server(parser)
    add_login(parser)
    add_json(parser)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print undelivered messages; confirm them only when asked to."""
    if arguments.confirm:
        console.require_stdout()
    limit: int | None = None if arguments.all else arguments.limit
    shown = confirmed = 0
    cursor: str | None = None
    with open_session(arguments, console) as session:
        client = session.client
        for page in client.inbox_pages(limit=limit):
            messages = () if arguments.json else client.messages_of(page)
            for message in messages:
                console.say(message_line(message, session.login.username, console))
            if arguments.json:
                console.say_json(page.text)
            if arguments.confirm:
                # Only what is written out was shown: a reader that has
                # gone raises here.
                console.stdout.flush()
                confirmed += client.confirm(messages or client.messages_of(page))
            shown += len(page.messages)
            cursor = page.next_cursor
    if arguments.json:
        return 0
    if not shown:
        console.note("no undelivered messages")
    if confirmed:
        console.note(f"confirmed: {confirmed}")
    if cursor is not None:
        console.note("there are more: use --all")
    return 0
