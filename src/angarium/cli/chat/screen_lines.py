"""The rows of a terminal that each part of a chat takes."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from angarium.cli.console import Style
from angarium.cli.text import escape_unprintable, head, rows, width

INDENT = "      "
MAX_STATE = 9
MIN_COLUMNS = 30

STATE_STYLES = {
    "sending": Style.DIM,
    "accepted": Style.DIM,
    "sent": Style.CYAN,
    "pending": Style.YELLOW,
    "delivered": Style.GREEN,
    "not sent": Style.YELLOW,
}


@dataclass(frozen=True, slots=True)
class ScreenLine:
    """Something that is shown and stays.

    Attributes:
        head: Time and name, empty for a notice.
        text: Harmless text behind it.
        state: Of an own message, empty for anything else.
        name_style: How the name looks.
    """

    head: tuple[str, str]
    text: str
    state: str = ""
    name_style: Style = Style.PLAIN


def message_line(
    moment: datetime, name: str, content: str, state: str, own: bool, zone: tzinfo | None = None
) -> ScreenLine:
    """Make an entry of a message.

    Args:
        moment: When.
        name: Whose.
        content: Anything.
        state: Of an own message.
        own: Whether it is one.
        zone: The person's.

    Returns:
        The entry.
    """
    time = moment.astimezone(zone).strftime("%H:%M")
    state = head(escape_unprintable(state), MAX_STATE)
    return ScreenLine(
        (time, escape_unprintable(name)),
        escape_unprintable(content),
        state,
        Style.PLAIN if own else Style.BOLD,
    )


def notice_line(text: str) -> ScreenLine:
    """Make an entry of something beside the conversation.

    Args:
        text: Anything.

    Returns:
        The entry.
    """
    return ScreenLine(("", ""), escape_unprintable(text))


def rows_of(entry: ScreenLine, columns: int, colours: bool) -> list[str]:
    """Lay an entry out.

    Args:
        entry: What to show.
        columns: The terminal's width.
        colours: Whether there are any.

    Returns:
        The rows, each narrower than the terminal, so that it never
        breaks one by itself.
    """
    columns = max(columns, MIN_COLUMNS)
    time, name = entry.head
    start = f"{time} {name}: " if name else ""
    room = columns - 1 - (MAX_STATE + 1 if entry.state else 0)
    laid_out = list(rows(start + entry.text, room, len(INDENT)))
    first = laid_out[0]
    if not name:
        return [paint(row, Style.DIM, colours) for row in _indent(laid_out)]
    if first.startswith(start):
        painted_start = (
            f"{paint(time, Style.DIM, colours)} {paint(name + ':', entry.name_style, colours)} "
        )
        first = painted_start + first[len(start) :]
    if entry.state:
        state = paint(entry.state, STATE_STYLES.get(entry.state, Style.DIM), colours)
        first += f"\x1b[{columns - width(entry.state)}G{state}"
    return [first, *_indent(laid_out)[1:]]


def _indent(laid_out: list[str]) -> list[str]:
    return [laid_out[0], *(INDENT + row for row in laid_out[1:])]


def paint(text: str, style: Style, colours: bool) -> str:
    """Give a text its look.

    Args:
        text: Harmless text.
        style: The look.
        colours: Whether there are any.

    Returns:
        The text, between control sequences where there are colours.
    """
    return f"\x1b[{style.value}m{text}\x1b[0m" if colours and style is not Style.PLAIN else text
