"""A chat on a terminal: what is stored scrolls, the rest stays below.

What is below is drawn anew whenever it changes: own lines on their way,
in the order in which they were typed, and the input. Everything above
is in the conversation's order and stays, but for the states of own
messages, which change in place (ECMA-48: CUU, CHA, EL, ED).
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import TextIO

from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.events import OwnLine
from angarium.cli.chat.keys import BRACKETED_PASTE_OFF, BRACKETED_PASTE_ON
from angarium.cli.chat.layout import (
    MIN_COLUMNS,
    RESTORE_CURSOR,
    SAVE_CURSOR,
    InputRows,
    ScreenLine,
    lay_out_input,
    message_line,
    notice_line,
    rows_of,
)
from angarium.cli.text import escape_unprintable, head
from angarium.client.bodies import MessageBody

MAX_SCREEN_LINES = 500
"""Lines kept to be drawn again after the terminal was resized."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An own line that is not stored yet."""

    moment: datetime
    content: str
    state: str


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
        self._waiting: dict[str, _Waiting] = {}
        self._held: str | None = None
        # Rows from the first one below to the cursor, and how many are
        # above it at least.
        self._cursor_row = 0
        self._above = 0

    def show_typed(self, line: OwnLine) -> None:
        """Implements `Screen.show_typed`; the state is `sending`."""
        self._waiting[line.message_id] = _Waiting(self._now(), line.content, "sending")
        self.draw_input()

    def mark_accepted(self, line: OwnLine) -> None:
        """Implements `Screen.mark_accepted`; a stored line stays so."""
        waiting = self._waiting.get(line.message_id)
        if waiting is not None:
            self._waiting[line.message_id] = replace(waiting, state="accepted")
            self.draw_input()

    def mark_rejected(self, line: OwnLine) -> None:
        """Implements `Screen.mark_rejected`; the line stays visible."""
        waiting = self._waiting.pop(line.message_id, None)
        if waiting is not None:
            self._say(waiting.moment, self._own_id, waiting.content, "", "not sent")
            if not self._editor.text:
                self._editor.insert(waiting.content)
                self.draw_input()

    def show_stored(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_stored`.

        An own line goes from below to its place in the conversation.
        """
        for message in messages:
            if message.message_id in self._own:
                self._set_state(message.message_id, message.status)
                continue
            own = message.sender_id == self._own_id
            if self._waiting.pop(message.message_id, None) is None and own:
                self._editor.remember(message.content)
            self._say(
                message.sent_at,
                message.sender_id,
                message.content,
                message.message_id,
                escape_unprintable(message.status.lower()) if own else "",
            )

    def show_statuses(self, messages: Sequence[MessageBody]) -> None:
        """Implements `Screen.show_statuses`: they change in place."""
        for message in messages:
            self._set_state(message.message_id, message.status)

    def notice(self, text: str) -> None:
        """Implements `Screen.notice`, as a line above the input."""
        self._add([notice_line(text)])

    def hold_input(self, text: str) -> None:
        """Implements `Screen.hold_input`: the text is the prompt."""
        if text != self._held:
            self._held = text
            self.draw_input()

    def resume_input(self) -> None:
        """Implements `Screen.resume_input`."""
        self._held = None
        self.draw_input()

    def draw_input(self) -> None:
        """Draw what is below anew."""
        self._draw([])

    def give_back(self) -> None:
        """Leave the terminal to others, without the input.

        Own lines on their way stay visible.
        """
        columns, lines = self._size()
        below = "".join(f"{row}\r\n" for row in self._waiting_rows(columns, lines - 1))
        self._write(f"{self._erase_below()}{below}{BRACKETED_PASTE_OFF}")
        self._cursor_row = 0

    def repaint(self) -> None:
        """Draw everything again: first, and after a resize."""
        columns, lines = self._size()
        below, input_rows = self._below(columns, lines)
        drawn: list[str] = []
        self._first_rows.clear()
        starts: dict[int, int] = {}
        for number in range(
            self._first_number + len(self._screen_lines) - 1, self._first_number - 1, -1
        ):
            laid_out = self._rows_of(number, columns)
            room = lines - len(below) - len(input_rows.rows) - len(drawn)
            if len(laid_out) > room:
                # Its first row, the one with the state, is not there:
                # it has no place to be changed at.
                drawn[:0] = laid_out[len(laid_out) - room :]
                break
            drawn[:0] = laid_out
            starts = {known: row + len(laid_out) for known, row in starts.items()} | {number: 0}
        self._first_rows = {number: self._rows + row for number, row in starts.items()}
        self._rows += len(drawn)
        self._above = self._cursor_row = 0
        self._write(f"{BRACKETED_PASTE_ON}\x1b[H\x1b[2J{self._drawing(drawn)}")

    def begin(self) -> None:
        """Have pastes marked, and draw the input."""
        self._write(BRACKETED_PASTE_ON)
        self.draw_input()

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
        if own and message_id:
            self._own[message_id] = last

    def _add(self, screen_lines: Sequence[ScreenLine]) -> int:
        """Draw new lines above the input; return the last number."""
        columns, _ = self._size()
        drawn: list[str] = []
        for screen_line in screen_lines:
            if len(self._screen_lines) == MAX_SCREEN_LINES:
                self._forget_first()
            self._screen_lines.append(screen_line)
            number = self._first_number + len(self._screen_lines) - 1
            laid_out = self._rows_of(number, columns)
            self._first_rows[number] = self._rows
            self._rows += len(laid_out)
            drawn += laid_out
        self._draw(drawn)
        return self._first_number + len(self._screen_lines) - 1

    def _forget_first(self) -> None:
        """Drop the oldest line once there are MAX_SCREEN_LINES."""
        self._screen_lines.popleft()
        self._first_rows.pop(self._first_number, None)
        self._first_number += 1

    def _set_state(self, message_id: str, status: str) -> None:
        """Change an own message's state where it is drawn."""
        number = self._own.get(message_id)
        if number is None:
            return
        if number < self._first_number:
            del self._own[message_id]
            return
        state = escape_unprintable(status.lower())
        screen_line = self._screen_lines[number - self._first_number]
        if screen_line.state == state:
            return
        self._screen_lines[number - self._first_number] = replace(screen_line, state=state)
        columns, lines = self._size()
        above = self._rows - self._first_rows.get(number, -lines)
        if above <= self._above:
            row = self._rows_of(number, columns)[0]
            up = _up(above + self._cursor_row)
            self._write(f"{SAVE_CURSOR}{up}\r\x1b[2K{row}{RESTORE_CURSOR}")

    def _rows_of(self, number: int, columns: int) -> list[str]:
        """Lay out the line of this number."""
        return rows_of(self._screen_lines[number - self._first_number], columns, self._colours)

    def _draw(self, drawn: Sequence[str]) -> None:
        """Draw new rows, and below them what is not stored yet."""
        self._write(self._erase_below() + self._drawing(drawn))

    def _erase_below(self) -> str:
        """Go to the first row below and erase from there on."""
        return f"\r{_up(self._cursor_row)}\x1b[J"

    def _drawing(self, drawn: Sequence[str]) -> str:
        """Return what draws new rows and those below them."""
        columns, lines = self._size()
        below, input_rows = self._below(columns, lines)
        below_count = len(below) + len(input_rows.rows)
        # The first row could have been anywhere on the screen: it is
        # taken to have been at the top, which is the least.
        self._above = max(0, min(self._above + len(drawn), lines - below_count))
        self._cursor_row = len(below) + input_rows.cursor_row
        # Room first: the saved position of the cursor would be wrong
        # after the terminal scrolled.
        gap = len(input_rows.rows) - 1
        return (
            "".join(f"{row}\r\n" for row in (*drawn, *below))
            + "\r\n" * gap
            + _up(gap)
            + "\r\n".join(input_rows.rows)
            + RESTORE_CURSOR
        )

    def _below(self, columns: int, lines: int) -> tuple[list[str], InputRows]:
        """Lay out what is not stored yet, and the input."""
        input_rows = self._input(columns, max(1, lines // 2))
        return self._waiting_rows(columns, lines - len(input_rows.rows) - 1), input_rows

    def _waiting_rows(self, columns: int, room: int) -> list[str]:
        """Lay out own lines on their way, the newest that fit."""
        drawn: list[str] = []
        left = len(self._waiting)
        for waiting in reversed(self._waiting.values()):
            laid_out = self._rows_of_waiting(waiting, columns)
            if left == 1 and waiting.moment.astimezone(self._zone).date() != self._day:
                day = waiting.moment.astimezone(self._zone).date()
                laid_out[:0] = rows_of(
                    notice_line(f"--- {day.isoformat()} ---"), columns, self._colours
                )
            if len(drawn) + len(laid_out) > room - (left > 1):
                break
            drawn[:0] = laid_out
            left -= 1
        if left and room > len(drawn):
            noun = "line" if left == 1 else "lines"
            earlier = "earlier " if drawn else ""
            line = notice_line(f"… {left} {earlier}{noun} on the way")
            drawn[:0] = rows_of(line, columns, self._colours)[: room - len(drawn)]
        return drawn

    def _rows_of_waiting(self, waiting: _Waiting, columns: int) -> list[str]:
        """Lay out an own line that is on its way."""
        name = self._names.get(self._own_id, self._own_id)
        line = message_line(waiting.moment, name, waiting.content, waiting.state, True, self._zone)
        return rows_of(line, columns, self._colours)

    def _input(self, columns: int, max_rows: int) -> InputRows:
        """Lay out the prompt and what is being typed."""
        columns = max(columns, MIN_COLUMNS)
        if self._held is not None:
            return lay_out_input("", self._held, "", columns, max_rows)
        prompt = f"{head(self._names.get(self._own_id, 'you'), columns // 3)}> "
        return lay_out_input(prompt, self._editor.before, self._editor.after, columns, max_rows)

    def _write(self, text: str) -> None:
        """Write at once: the person waits for the echo."""
        self._out.write(text)
        self._out.flush()


def _up(count: int) -> str:
    """Return what moves the cursor up; 0 would move it by one row."""
    return f"\x1b[{count}A" if count else ""
