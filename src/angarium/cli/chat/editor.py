"""The line that is being typed."""

import codecs
from collections.abc import Iterator
from enum import Enum, auto

from angarium.cli.text import joins_the_one_before


class Key(Enum):
    """Keys that are no characters."""

    ENTER = auto()
    END_OF_INPUT = auto()
    BACKSPACE = auto()
    DELETE = auto()
    LEFT = auto()
    RIGHT = auto()
    HOME = auto()
    END = auto()
    KILL_TO_START = auto()
    KILL_TO_END = auto()
    KILL_WORD = auto()
    REDRAW = auto()


_CONTROLS = {
    "\r": Key.ENTER,
    "\n": Key.ENTER,
    "\x04": Key.END_OF_INPUT,
    "\x7f": Key.BACKSPACE,
    "\x08": Key.BACKSPACE,
    "\x01": Key.HOME,
    "\x05": Key.END,
    "\x02": Key.LEFT,
    "\x06": Key.RIGHT,
    "\x15": Key.KILL_TO_START,
    "\x0b": Key.KILL_TO_END,
    "\x17": Key.KILL_WORD,
    "\x0c": Key.REDRAW,
}
_SEQUENCES = {
    "A": None,
    "B": None,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "7~": Key.HOME,
    "4~": Key.END,
    "8~": Key.END,
    "3~": Key.DELETE,
}
_ESCAPE = "\x1b"
MAX_IN_A_SEQUENCE = 32
"""A longer escape sequence is no key; what follows is text again."""


class KeyDecoder:
    """Decodes a terminal's bytes into keys, however they are split."""

    def __init__(self) -> None:
        """Start outside of any escape sequence."""
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._sequence = ""

    def feed(self, data: bytes) -> Iterator[str | Key]:
        """Process the bytes of one read.

        Args:
            data: One byte or more.

        Yields:
            Characters and keys; what is no key of interest is left out.
        """
        for character in self._decode(data):
            if self._sequence:
                key = self._continue_sequence(character)
            elif character == _ESCAPE:
                self._sequence = _ESCAPE
                key = None
            elif character in _CONTROLS:
                key = _CONTROLS[character]
            elif character == "\t" or ord(character) >= 0x20:
                yield character
                continue
            else:
                key = None
            if key is not None:
                yield key

    def _continue_sequence(self, character: str) -> Key | None:
        """Add to an escape sequence; return its key."""
        if self._sequence == _ESCAPE:
            # ESC and a letter is a key with Alt: none is known here.
            # ESC ESC starts again.
            self._sequence = self._sequence + character if character in "[O" else ""
            if character == _ESCAPE:
                self._sequence = _ESCAPE
            return None
        self._sequence += character
        if "\x40" <= character <= "\x7e":
            parameters, self._sequence = self._sequence[2:], ""
            return _SEQUENCES.get(parameters)
        if not "\x20" <= character <= "\x3f" or len(self._sequence) > MAX_IN_A_SEQUENCE:
            self._sequence = ""
        return None


MAX_CHARACTERS = 32_768
"""What is typed beyond this is dropped; a message's limit is far
below.
"""


class LineEditor:
    """Edits one line.

    Attributes:
        before: The text left of the cursor.
        after: The text right of it.
    """

    def __init__(self) -> None:
        """Start with an empty line."""
        self.before = ""
        self.after = ""

    @property
    def text(self) -> str:
        """The whole line, without a cursor."""
        return self.before + self.after

    def insert(self, character: str) -> None:
        """Put a character where the cursor is.

        Args:
            character: One code point.
        """
        if len(self.before) + len(self.after) < MAX_CHARACTERS:
            self.before += character

    def take(self) -> str:
        """End the line and begin an empty one.

        Returns:
            The line.
        """
        text = self.text
        self.before = self.after = ""
        return text

    def press(self, key: Key) -> None:
        """Edit the line.

        Args:
            key: Any; those that do not edit change nothing.
        """
        match key:
            case Key.LEFT:
                self._move(self._start_of_last(self.before))
            case Key.RIGHT:
                self._move(len(self.before) + self._length_of_first(self.after))
            case Key.HOME:
                self._move(0)
            case Key.END:
                self._move(len(self.text))
            case _:
                self._delete(key)

    def _delete(self, key: Key) -> None:
        """Apply a key that deletes; ignore any other."""
        match key:
            case Key.BACKSPACE:
                self.before = self.before[: self._start_of_last(self.before)]
            case Key.DELETE | Key.END_OF_INPUT:
                self.after = self.after[self._length_of_first(self.after) :]
            case Key.KILL_TO_START:
                self.before = ""
            case Key.KILL_TO_END:
                self.after = ""
            case Key.KILL_WORD:
                kept = self.before.rstrip()
                self.before = kept[: len(kept) - len(kept.split(" ")[-1])]
            case _:
                return

    def _move(self, index: int) -> None:
        """Put the cursor at an index of the line."""
        text = self.text
        self.before, self.after = text[:index], text[index:]

    def _start_of_last(self, text: str) -> int:
        """Find where the last visible character starts."""
        index = max(0, len(text) - 1)
        while index > 0 and joins_the_one_before(text[index]):
            index -= 1
        return index

    def _length_of_first(self, text: str) -> int:
        """Count the code points of the first character."""
        length = min(1, len(text))
        while length < len(text) and joins_the_one_before(text[length]):
            length += 1
        return length
