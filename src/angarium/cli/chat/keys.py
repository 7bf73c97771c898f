"""What a terminal sends, as characters, keys and pastes."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Key(Enum):
    """Keys that are no characters."""

    ENTER = auto()
    NEW_LINE = auto()
    END_OF_INPUT = auto()
    BACKSPACE = auto()
    DELETE = auto()
    LEFT = auto()
    RIGHT = auto()
    UP = auto()
    DOWN = auto()
    HOME = auto()
    END = auto()
    KILL_TO_START = auto()
    KILL_TO_END = auto()
    KILL_WORD = auto()
    REDRAW = auto()


@dataclass(frozen=True, slots=True)
class Paste:
    """What was pasted at once.

    Attributes:
        text: With LF between its lines, and none after the last; only
            the beginning where it is far too long.
        dropped: Characters that are not in it.
    """

    text: str
    dropped: int = 0


BRACKETED_PASTE_ON = "\x1b[?2004h"
BRACKETED_PASTE_OFF = "\x1b[?2004l"
"""After the first the terminal marks where a paste begins and ends
(https://invisible-island.net/xterm/ctlseqs/ctlseqs.html).
"""

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
    "\x10": Key.UP,
    "\x0e": Key.DOWN,
    "\x15": Key.KILL_TO_START,
    "\x0b": Key.KILL_TO_END,
    "\x17": Key.KILL_WORD,
    "\x0c": Key.REDRAW,
}
_SEQUENCES = {
    "A": Key.UP,
    "B": Key.DOWN,
    "C": Key.RIGHT,
    "D": Key.LEFT,
    "H": Key.HOME,
    "F": Key.END,
    "1~": Key.HOME,
    "7~": Key.HOME,
    "4~": Key.END,
    "8~": Key.END,
    "3~": Key.DELETE,
    # Shift-Enter and Alt-Enter of terminals that can tell them.
    "13;2u": Key.NEW_LINE,
    "13;3u": Key.NEW_LINE,
    "27;2;13~": Key.NEW_LINE,
    "27;3;13~": Key.NEW_LINE,
}
_PASTE_BEGINS = "200~"
_PASTE_ENDS = "\x1b[201~"
_ESCAPE = "\x1b"
MAX_IN_A_SEQUENCE = 32
"""A longer escape sequence is no key; what follows is text again."""

MAX_PASTED = 32_768
"""Characters that are kept of a paste; a message's limit is far below.
"""


class KeyDecoder:
    """Decodes a terminal's bytes into keys, however they are split."""

    def __init__(self) -> None:
        """Start outside of any escape sequence."""
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._sequence = ""
        self._paste: _PasteReader | None = None

    def feed(self, data: bytes) -> Iterator[str | Key | Paste]:
        """Process the bytes of one read.

        Args:
            data: One byte or more.

        Yields:
            Characters, keys and pastes; what is no key of interest is
            left out.
        """
        for character in self._decode(data):
            key = self._take(character)
            if key is not None:
                yield key

    def _take(self, character: str) -> str | Key | Paste | None:
        """Process a character; return what it completes."""
        if self._paste is not None:
            paste = self._paste.take(character)
            if paste is not None:
                self._paste = None
            return paste
        if self._sequence:
            return self._continue_sequence(character)
        if character == _ESCAPE:
            self._sequence = _ESCAPE
            return None
        if character == "\t" or (ord(character) >= 0x20 and character not in _CONTROLS):
            return character
        return _CONTROLS.get(character)

    def _continue_sequence(self, character: str) -> Key | None:
        """Add to an escape sequence; return its key."""
        if self._sequence == _ESCAPE:
            return self._after_escape(character)
        self._sequence += character
        if "\x40" <= character <= "\x7e":
            parameters, self._sequence = self._sequence[2:], ""
            if parameters == _PASTE_BEGINS:
                self._paste = _PasteReader()
            return _SEQUENCES.get(parameters)
        if not "\x20" <= character <= "\x3f" or len(self._sequence) > MAX_IN_A_SEQUENCE:
            self._sequence = ""
        return None

    def _after_escape(self, character: str) -> Key | None:
        """Begin a sequence, or return the key that Alt makes."""
        # ESC and a character is a key with Alt, and only Enter is known
        # with it. ESC ESC starts again.
        self._sequence = self._sequence + character if character in "[O" else ""
        if character == _ESCAPE:
            self._sequence = _ESCAPE
        return Key.NEW_LINE if character in "\r\n" else None


class _PasteReader:
    """Collects a paste until the terminal says that it ends."""

    def __init__(self) -> None:
        """Begin with nothing pasted."""
        self._characters: list[str] = []
        self._end = ""
        self._dropped = 0

    def take(self, character: str) -> Paste | None:
        """Process a character; return the paste once it is complete."""
        if character == _ESCAPE:
            self._keep(self._end)
            self._end = _ESCAPE
        elif self._end and _PASTE_ENDS.startswith(self._end + character):
            self._end += character
            if self._end == _PASTE_ENDS:
                return self._finish()
        else:
            self._keep(self._end + character)
            self._end = ""
        return None

    def _keep(self, characters: str) -> None:
        """Add what was pasted, as far as there is room."""
        kept = characters[: max(0, MAX_PASTED - len(self._characters))]
        self._characters += kept
        self._dropped += len(characters) - len(kept)

    def _finish(self) -> Paste:
        """Put the lines together; terminals send CR between them."""
        text = "".join(self._characters).replace("\r\n", "\n").replace("\r", "\n")
        return Paste(text.removesuffix("\n"), self._dropped)
