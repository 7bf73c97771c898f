"""A chat on a terminal: messages scroll, the input stays below.

Every row is cut here, never by the terminal, so that the number of rows
between the line that is being typed and an own message is known, and
its state can be changed in place (ECMA-48: CUU, CUD, CHA, EL, ED).
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import TextIO

from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.events import OwnLine
from angarium.cli.console import Style
from angarium.cli.text import escape_unprintable, head, rows, tail, width
from angarium.client.bodies import MessageBody

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
        text: What follows, escaped already.
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
    laid_out = list(rows(start + screen_line.text, room, len(INDENT)))
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


MAX_SCREEN_LINES = 500
"""Lines kept to be drawn again after the terminal was resized."""


class TerminalScreen:
    """Draws on a terminal with the usual control sequences."""

    def __init__(
        self,
        out: TextIO,
        size: Callable[[], tuple[int, int]],
        editor: LineEditor,
        names: Mapping[str, str],
        own_id: str,
        colours: bool,
        now: Callable[[], datetime],
        zone: tzinfo | None = None,
    ) -> None:
        """Start with nothing drawn."""
        self._out = out
        self._size = size
        self._editor = editor
        self._names = names
        self._own_id = own_id
        self._colours = colours
        self._now = now
        self._zone = zone
        self._screen_lines: deque[ScreenLine] = deque(maxlen=MAX_SCREEN_LINES)
        self._first_number = 0
        self._own: dict[str, int] = {}
        self._first_rows: dict[int, int] = {}
        self._rows = 0
        self._day: date | None = None

    def show_typed(self, line: OwnLine) -> None:
        """Implements `Screen.show_typed`; the state is `sending`."""
        self._say(self._now(), self._own_id, line.content, line.message_id, "sending")

    def mark_accepted(self, line: OwnLine) -> None:
        """Implements `Screen.mark_accepted`; a stored line stays so."""
        self._set_state(line.message_id, "accepted", only_from="sending")

    def mark_rejected(self, line: OwnLine) -> None:
        """Implements `Screen.mark_rejected`; the line stays visible."""
        self._set_state(line.message_id, "not sent")

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_stored`; own lines stay in place."""
        for message in messages:
            if message.message_id in self._own:
                self._set_state(message.message_id, escape_unprintable(message.status.lower()))
                continue
            own = message.sender_id == self._own_id
            state = escape_unprintable(message.status.lower()) if own else ""
            self._say(
                message.sent_at, message.sender_id, message.content, message.message_id, state
            )

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_statuses`: they change in place."""
        for message in messages:
            self._set_state(message.message_id, escape_unprintable(message.status.lower()))

    def notice(self, text: str) -> None:
        """Implements `Screen.notice`, as a line above the input."""
        self._add([notice_line(text)])

    def draw_input(self) -> None:
        """Draw as much of the input as fits at the cursor."""
        self._write("\r\x1b[K" + self._input())

    def clear_input(self) -> None:
        """Remove the input line before leaving."""
        self._write("\r\x1b[K")

    def repaint(self) -> None:
        """Draw everything again, after a resize or a suspend."""
        columns, lines = self._size()
        drawn: list[str] = []
        self._first_rows.clear()
        starts: dict[int, int] = {}
        for number in range(
            self._first_number + len(self._screen_lines) - 1, self._first_number - 1, -1
        ):
            laid_out = self._rows_of(number, columns)
            room = lines - 1 - len(drawn)
            if len(laid_out) > room:
                # Its first row, the one with the state, is not there:
                # it has no place to be changed at.
                drawn[:0] = laid_out[len(laid_out) - room :]
                break
            drawn[:0] = laid_out
            starts = {known: row + len(laid_out) for known, row in starts.items()} | {number: 0}
        self._first_rows = {number: self._rows + row for number, row in starts.items()}
        self._rows += len(drawn)
        self._write("\x1b[H\x1b[2J" + "".join(f"{row}\r\n" for row in drawn) + self._input())

    def _say(
        self, moment: datetime, sender: str, content: str, message_id: str, state: str
    ) -> None:
        """Add a message, after a line with the date if it is new."""
        screen_lines: list[ScreenLine] = []
        day = moment.astimezone(self._zone).date()
        if day != self._day:
            screen_lines.append(notice_line(f"--- {day.isoformat()} ---"))
            self._day = day
        own = sender == self._own_id
        screen_lines.append(
            message_line(moment, self._names.get(sender, sender), content, state, own, self._zone)
        )
        last = self._add(screen_lines)
        if own:
            self._own[message_id] = last

    def _add(self, screen_lines: Sequence[ScreenLine]) -> int:
        """Draw new lines above the input; return the last number."""
        columns, _ = self._size()
        text = "\r\x1b[K"
        for screen_line in screen_lines:
            if len(self._screen_lines) == MAX_SCREEN_LINES:
                self._forget_first()
            self._screen_lines.append(screen_line)
            number = self._first_number + len(self._screen_lines) - 1
            laid_out = self._rows_of(number, columns)
            self._first_rows[number] = self._rows
            self._rows += len(laid_out)
            text += "".join(f"{row}\r\n" for row in laid_out)
        self._write(text + self._input())
        return self._first_number + len(self._screen_lines) - 1

    def _forget_first(self) -> None:
        """Drop the oldest line once there are MAX_ENTRIES."""
        self._screen_lines.popleft()
        self._first_rows.pop(self._first_number, None)
        self._first_number += 1

    def _set_state(self, message_id: str, state: str, only_from: str | None = None) -> None:
        """Change an own message's state where it is drawn."""
        number = self._own.get(message_id)
        if number is None:
            return
        if number < self._first_number:
            del self._own[message_id]
            return
        screen_line = self._screen_lines[number - self._first_number]
        if screen_line.state == state or only_from not in {None, screen_line.state}:
            return
        self._screen_lines[number - self._first_number] = replace(screen_line, state=state)
        columns, lines = self._size()
        up = self._rows - self._first_rows.get(number, -lines)
        if up < lines:
            row = self._rows_of(number, columns)[0]
            self._write(f"\x1b[{up}A\r\x1b[2K{row}\x1b[{up}B\r\x1b[K{self._input()}")

    def _rows_of(self, number: int, columns: int) -> list[str]:
        """Lay out the line of this number."""
        return rows_of(self._screen_lines[number - self._first_number], columns, self._colours)

    def _input(self) -> str:
        """Build the prompt and the part of the input that fits."""
        columns = max(self._size()[0], MIN_COLUMNS)
        prompt = f"{head(self._names.get(self._own_id, 'you'), columns // 3)}> "
        room = columns - 1 - width(prompt)
        before = tail(escape_unprintable(self._editor.before[-room * 2 :]), room * 3 // 4)
        if self._editor.after == "":
            before = tail(escape_unprintable(self._editor.before[-room * 2 :]), room)
        after = head(escape_unprintable(self._editor.after[: room * 2]), room - width(before))
        return f"{prompt}{before}\x1b7{after}\x1b8"

    def _write(self, text: str) -> None:
        """Write at once: the person waits for the echo."""
        self._out.write(text)
        self._out.flush()
