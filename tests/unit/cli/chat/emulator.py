"""As much of a terminal as a chat uses: rows and columns of characters,
and what leaves at the top.
"""

import re
import unicodedata

_SEQUENCE = re.compile(r"\x1b(?:\[([0-9;?]*)([A-Za-z])|([78]))")


class Emulator:
    """Understands what the chat writes and nothing else; an unknown
    sequence is an error.
    """

    def __init__(self, columns: int = 40, lines: int = 10) -> None:
        self.columns, self.lines = columns, lines
        self.gone: list[str] = []
        self.wrapped = 0
        self._clear()

    def size(self) -> tuple[int, int]:
        return self.columns, self.lines

    def write(self, text: str) -> int:
        place = 0
        while place < len(text):
            if text[place] == "\x1b":
                match = _SEQUENCE.match(text, place)
                assert match is not None, f"unknown sequence {text[place : place + 8]!r}"
                self._control(match)
                place = match.end()
            else:
                self._put(text[place])
                place += 1
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def shown(self) -> list[str]:
        """Give the rows with something in them, without spaces behind
        it.
        """
        rows = ["".join(cell for cell in row).rstrip() for row in self._cells]
        return [row for row in rows if row]

    def everything(self) -> list[str]:
        return [row for row in self.gone if row] + self.shown()

    @property
    def cursor(self) -> tuple[int, int]:
        return self._row, self._column

    def _clear(self) -> None:
        self._cells = [[" "] * self.columns for _ in range(self.lines)]
        self._row = self._column = 0
        self._saved = (0, 0)

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._line_feed()
        elif unicodedata.category(character) in {"Mn", "Me", "Cf"}:
            self._cells[self._row][max(0, self._column - 1)] += character
        else:
            assert unicodedata.category(character) not in {"Cc", "Cs"}, (
                f"control character {character!r}"
            )
            wide = unicodedata.east_asian_width(character) in "WF"
            if self._column + 1 + wide > self.columns:
                self.wrapped += 1
                self._column = 0
                self._line_feed()
            self._cells[self._row][self._column] = character
            if wide:
                self._cells[self._row][self._column + 1] = ""
            self._column += 1 + wide

    def _line_feed(self) -> None:
        if self._row < self.lines - 1:
            self._row += 1
            return
        self.gone.append("".join(self._cells.pop(0)).rstrip())
        self._cells.append([" "] * self.columns)

    def _control(self, match: re.Match[str]) -> None:
        parameters, final, saving = match.groups()
        if saving == "7":
            self._saved = (self._row, self._column)
        elif saving == "8":
            self._row, self._column = self._saved
        else:
            self._csi(final, parameters)

    def _csi(self, final: str, parameters: str) -> None:
        number = int(parameters) if parameters.isdigit() else 1
        match final, parameters:
            case ("m", _) | ("h" | "l", "?2004"):
                return
            case "A", _:
                self._row = max(0, self._row - number)
            case "B", _:
                self._row = min(self.lines - 1, self._row + number)
            case "G", _:
                self._column = number - 1
            case "K", "":
                self._cells[self._row][self._column :] = [" "] * (self.columns - self._column)
            case "K", "2":
                self._cells[self._row] = [" "] * self.columns
            case "H", "":
                self._row = self._column = 0
            case "J", "" | "2":
                self._erase(from_cursor=parameters == "")
            case _:
                raise AssertionError(f"unknown sequence {parameters}{final}")

    def _erase(self, from_cursor: bool) -> None:
        """Erase the screen, or what comes from the cursor on."""
        row, column = (self._row, self._column) if from_cursor else (0, 0)
        self._cells[row][column:] = [" "] * (self.columns - column)
        for below in range(row + 1, self.lines):
            self._cells[below] = [" "] * self.columns
