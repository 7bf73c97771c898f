"""`angarium history`: the messages of a conversation."""

import argparse
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from angarium.cli.arguments import (
    DEFAULT_LIMIT,
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
from angarium.cli.session import open_patient_client, open_session
from angarium.client import Client
from angarium.client.bodies import PageBody
from angarium.config.values import quote

_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIMES = "2026-11-28T19:30:00Z, 2026-11-28 19:30, 2026-11-28, 19:30, 90s, 15m, 2h, 3d or 1w"


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
        "their status. With --follow, wait for new ones until Ctrl-C. With --json each page is "
        "one line.",
        "angarium history bob --limit 20\nangarium history bob --since 15m --follow\n"
        "angarium history bob --all --json",
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
    amount.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help=f"everything from a moment on: {_TIMES}",
    )
    parser.add_argument(
        "--follow", action="store_true", help="then show new messages, until Ctrl-C"
    )
    add_server(parser)
    add_login(parser)
    add_json(parser)


def _moment(text: str) -> datetime:
    """Read a moment from the command line.

    Args:
        text: A date with a time, RFC 3339 or without an offset; a date;
            a time of today; or how long ago it was. What has no offset
            is in local time.

    Returns:
        The moment, with its offset from UTC.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    now = datetime.now().astimezone()
    try:
        if (span := _SPAN.fullmatch(text)) is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", text):
            return datetime.combine(now.date(), time.fromisoformat(text)).astimezone()
        if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        # No such day, or one before the calendar begins.
        pass
    raise argparse.ArgumentTypeError(f"{quote(text)} is not a time; write one such as {_TIMES}")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the pages, newest 50 by default, oldest message first."""
    name: str = arguments.name
    with open_session(arguments, console) as session:
        session.conversation_with(name)

        def show(page: PageBody) -> None:
            """Print a page, and let it go out at once."""
            if arguments.json:
                console.say_json(page.text)
            else:
                for message in session.client.messages_of(page, name):
                    console.say(message_line(message, session.login.username, console))
            console.stdout.flush()

        shown, cursor = 0, ""
        for page in _pages(arguments, session.client):
            show(page)
            shown += len(page.messages)
            cursor = page.resume_cursor
        if not shown and not arguments.json:
            when = "yet" if arguments.since is None else "since then"
            console.note(f"no messages with {name} {when}")
        if arguments.follow:
            with open_patient_client(session.login, console) as client:
                for page in client.follow_pages(name, cursor=cursor):
                    show(page)
    return 0


def _pages(arguments: argparse.Namespace, client: Client) -> Iterator[PageBody]:
    """Read what the options ask for."""
    name: str = arguments.name
    if arguments.all or arguments.since is not None:
        return client.history_pages(name, since=arguments.since)
    return client.history_pages(name, limit=arguments.limit)
