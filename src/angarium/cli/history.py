"""`angarium history`: the messages of a conversation."""

import argparse
from collections.abc import Iterator

from angarium.cli.arguments import (
    Commands,
    add_command,
    add_json,
    add_login,
    add_server,
    at_least_one,
    username,
)
from angarium.cli.console import Console
from angarium.cli.message_lines import message_line
from angarium.cli.session import open_session
from angarium.client.api_client import ApiClient
from angarium.client.bodies import PageBody

DEFAULT_LIMIT = 50
PAGE = 100


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "history",
        _run,
        "show a conversation",
        "Show the newest messages of a conversation, oldest first, in local time; your own with "
        "their status. With --json each page is one line.",
        "angarium history bob --limit 20\nangarium history bob --all --json",
    )
    parser.add_argument("name", metavar="NAME", type=username, help="the other participant")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "--limit",
        type=at_least_one,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"the newest N (default: {DEFAULT_LIMIT})",
    )
    amount.add_argument("--all", action="store_true", help="everything from the beginning")
    add_server(parser)
    add_login(parser)
    add_json(parser)


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the pages, newest 50 by default, oldest message first."""
    name: str = arguments.name
    limit: int = arguments.limit
    with open_session(arguments, console) as session:
        conversation_id = session.conversation_with(name)
        names = session.credentials.names(console.complain)
        pages = (
            _forward(session.client, conversation_id)
            if arguments.all
            else _newest(session.client, conversation_id, limit)
        )
        shown = 0
        for page in pages:
            shown += len(page.messages)
            if arguments.json:
                console.say_json(page.text)
                continue
            for message in page.messages:
                console.say(message_line(message, names, session.login.user_id, console))
    if not shown and not arguments.json:
        console.note(f"no messages with {name} yet")
    return 0


def _forward(client: ApiClient, conversation_id: str) -> Iterator[PageBody]:
    """Read from the first message on, page by page."""
    page = client.history(conversation_id, PAGE, since_timestamp=0)
    yield page
    while page.next_cursor is not None:
        page = client.history(conversation_id, PAGE, page.next_cursor)
        yield page


def _newest(client: ApiClient, conversation_id: str, limit: int) -> Iterator[PageBody]:
    """Read the newest messages and yield them oldest first."""
    # The API walks from the newest to older ones: the pages are put the
    # other way round for the reader.
    pages = [client.history(conversation_id, min(limit, PAGE))]
    missing = limit - len(pages[0].messages)
    while missing > 0 and (cursor := pages[-1].next_cursor) is not None:
        pages.append(client.history(conversation_id, min(missing, PAGE), cursor))
        missing -= len(pages[-1].messages)
    return reversed(pages)
