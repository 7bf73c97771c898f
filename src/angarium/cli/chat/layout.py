"""How messages and the input are laid out in a terminal's rows.

Every row is cut here, never by the terminal, so that the number of rows
between the line that is being typed and an own message is known.
"""

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from angarium.cli.console import Style
from angarium.cli.text import cut, escape_unprintable, head, rows, width

_LINE_END = re.compile(r"\r?\n")

INDENT = "      "
"""As wide as the time, so that wrapped rows start after it."""

MAX_STATE = 9
"""Columns of the longest state, `delivered`."""

MIN_COLUMNS = 30
"""Narrower terminals are drawn as if they had this many columns."""

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
        text: What follows, escaped already but for the line feeds
            between its lines.
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
        moment: When it was sent.
        name: The sender's username.
        content: Anything.
        state: Of an own message.
        own: Whether it is one.
        zone: The person's time zone.

    Returns:
        The entry.
    """
    time = moment.astimezone(zone).strftime("%H:%M")
    state = head(escape_unprintable(state), MAX_STATE)
    return ScreenLine(
        (time, escape_unprintable(name)),
        "\n".join(map(escape_unprintable, _LINE_END.split(content))),
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


def rows_of(screen_line: ScreenLine, columns: int, colours: bool) -> list[str]:
    """Lay an entry out.

    Args:
        screen_line: What to show.
        columns: The terminal's width.
        colours: Whether there are any.

    Returns:
        The rows, each narrower than the terminal, so that it never
        breaks one by itself.
    """
    columns = max(columns, MIN_COLUMNS)
    time, name = screen_line.head
    start = f"{time} {name}: " if name else ""
    room = columns - 1 - (MAX_STATE + 1 if screen_line.state else 0)
    first, *others = (start + screen_line.text).split("\n")
    laid_out = list(rows(first, room, len(INDENT)))
    for line in others:
        laid_out += rows(line, room - len(INDENT))
    first = laid_out[0]
    if not name:
        return [paint(row, Style.DIM, colours) for row in _indent(laid_out)]
    if first.startswith(start):
        painted_name = paint(f"{name}:", screen_line.name_style, colours)
        painted_start = f"{paint(time, Style.DIM, colours)} {painted_name} "
        first = painted_start + first[len(start) :]
    if screen_line.state:
        state = paint(screen_line.state, STATE_STYLES.get(screen_line.state, Style.DIM), colours)
        first += f"\x1b[{columns - width(screen_line.state)}G{state}"
    return [first, *_indent(laid_out)[1:]]


def _indent(laid_out: list[str]) -> list[str]:
    """Indent every row but the first."""
    return [laid_out[0], *(INDENT + row for row in laid_out[1:])]


def paint(text: str, style: Style, colours: bool) -> str:
    """Add colour to a text.

    Args:
        text: Harmless text.
        style: The look.
        colours: Whether there are any.

    Returns:
        The text, between control sequences where there are colours.
    """
    return f"\x1b[{style.value}m{text}\x1b[0m" if colours and style is not Style.PLAIN else text


@dataclass(frozen=True, slots=True)
class InputRows:
    """The input as it is drawn.

    Attributes:
        rows: Of the terminal, one or more; in one of them the position
            of the cursor is saved (ECMA-48 leaves that to DECSC).
        cursor_row: Which one that is.
    """

    rows: list[str]
    cursor_row: int


SAVE_CURSOR = "\x1b7"
RESTORE_CURSOR = "\x1b8"
"""The terminal knows how wide it draws a character, so it is asked to
remember the cursor's column instead of being told it.
"""


def lay_out_input(prompt: str, before: str, after: str, columns: int, max_rows: int) -> InputRows:
    """Lay out the text that is being typed.

    Args:
        prompt: What stands before its first row.
        before: The text left of the cursor; anything.
        after: The text right of it.
        columns: The terminal's width.
        max_rows: As many are shown, those around the cursor.

    Returns:
        The rows, each narrower than the terminal.
    """
    columns = max(columns, MIN_COLUMNS)
    room = columns - 1 - width(prompt)
    *lines_before, left = map(escape_unprintable, before.split("\n"))
    right, *lines_after = map(escape_unprintable, after.split("\n"))
    laid_out = [row for line in lines_before for row in cut(line, room)]
    cursor = len(left)
    pieces = list(cut(left + right, room))
    while cursor > len(pieces[0]) or (cursor == len(pieces[0]) and len(pieces) > 1):
        cursor -= len(pieces[0])
        laid_out.append(pieces.pop(0))
    cursor_row = len(laid_out)
    laid_out.append(pieces[0][:cursor] + SAVE_CURSOR + pieces[0][cursor:])
    laid_out += pieces[1:]
    laid_out += [row for line in lines_after for row in cut(line, room)]
    top = max(0, cursor_row + 1 - max_rows)
    shown = laid_out[top : top + max_rows]
    margin = " " * width(prompt)
    return InputRows([prompt + shown[0], *(margin + row for row in shown[1:])], cursor_row - top)
