"""Messages as lines for a person."""

from collections.abc import Mapping
from datetime import datetime, tzinfo

from angarium.cli.console import Console, Style
from angarium.cli.text import escape_unprintable
from angarium.client.bodies import MessageBody

STATUS_STYLES = {"DELIVERED": Style.GREEN, "SENT": Style.CYAN, "PENDING": Style.YELLOW}


def message_line(
    message: MessageBody,
    names: Mapping[str, str],
    own_id: str,
    console: Console,
    zone: tzinfo | None = None,
) -> str:
    """Show a message in one line.

    Args:
        message: The message.
        names: Usernames by id.
        own_id: Whose messages are shown with their status.
        console: Knows whether there are colours.
        zone: The person's time zone; the machine's if None.

    Returns:
        Local time, name, text, and the status of an own one.
    """
    time = console.paint(local_time(message.sent_at, zone), Style.DIM)
    own = message.sender_id == own_id
    name = escape_unprintable(names.get(message.sender_id, message.sender_id))
    name = console.paint(name, Style.PLAIN if own else Style.BOLD)
    line = f"{time}  {name}: {escape_unprintable(message.content)}"
    if own:
        style = STATUS_STYLES.get(message.status, Style.DIM)
        line += "  " + console.paint(f"[{escape_unprintable(message.status.lower())}]", style)
    return line


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
