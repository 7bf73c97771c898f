"""Messages as lines for a person."""

import re
import shutil
import sys
from datetime import datetime, tzinfo

from angarium.cli.console import Console, Style
from angarium.cli.text import escape_unprintable, rows, width
from angarium.client import Message

STATUS_STYLES = {"DELIVERED": Style.GREEN, "SENT": Style.CYAN, "PENDING": Style.YELLOW}

MIN_COLUMNS = 20
"""A text gets that many, however narrow the terminal is."""

_LINE_END = re.compile(r"\r?\n")


def message_lines(
    moment: datetime,
    sender: str,
    text: str,
    status: str | None,
    console: Console,
    zone: tzinfo | None = None,
) -> str:
    """Show a message.

    Args:
        moment: When it was sent.
        sender: The name of who wrote it.
        text: What was written.
        status: Of an own message; None for one of somebody else.
        console: Knows whether there are colours.
        zone: The person's time zone; the machine's if None.

    Returns:
        Local time, name, text, and the status of an own one. A text of
        several lines stays so, and on a terminal a long one is wrapped:
        all lines but the first are indented, so that none looks like
        another message.
    """
    time = local_time(moment, zone)
    name = escape_unprintable(sender)
    indent = " " * width(f"{time}  {name}: ")
    room = _room(console, len(indent))
    first, *others = (
        row for line in _LINE_END.split(text) for row in rows(escape_unprintable(line), room)
    )
    style = Style.BOLD if status is None else Style.PLAIN
    lines = [f"{console.paint(time, Style.DIM)}  {console.paint(name, style)}: {first}"]
    lines += [f"{indent}{line}".rstrip() for line in others]
    if status is not None:
        style = STATUS_STYLES.get(status, Style.DIM)
        lines[-1] += "  " + console.paint(f"[{escape_unprintable(status.lower())}]", style)
    return "\n".join(lines)


def _room(console: Console, indent: int) -> int:
    """Return the columns for a text; where lines are not cut, any."""
    if not console.stdout.isatty():
        return sys.maxsize
    return max(MIN_COLUMNS, shutil.get_terminal_size().columns - indent)


def message_line(message: Message, own_name: str, console: Console) -> str:
    """Show a message to one of its two people.

    Args:
        message: The message.
        own_name: Whose messages are shown with their status.
        console: Knows whether there are colours.

    Returns:
        As of `message_lines`.
    """
    status = message.status if message.sender == own_name else None
    return message_lines(message.timestamp, message.sender, message.text, status, console)


def local_time(moment: datetime, zone: tzinfo | None = None) -> str:
    """Show a moment in a person's own time.

    Args:
        moment: With its offset from UTC.
        zone: The person's time zone; the machine's if None.

    Returns:
        Date and time, to the second.
    """
    try:
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        # The first and the last day of the calendar have no local time
        # everywhere.
        return moment.strftime("%Y-%m-%d %H:%M:%S")
