"""Where lines come from."""

import codecs
import os
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from angarium.cli.chat.chat_session import ChatSession
from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.keys import Key, KeyDecoder, Paste
from angarium.cli.chat.login_dialog import LoginDialog
from angarium.cli.chat.terminal import TerminalScreen
from angarium.domain.message import MAX_CONTENT_BYTES


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line without its end.

    Attributes:
        text: Undecodable bytes are lone surrogates; only the beginning
            of a line that is far too long.
        size: In bytes of UTF-8, of the whole line.
    """

    text: str
    size: int


class LineSplitter:
    """Splits bytes into lines, however the reads divide them.

    It keeps at most one byte more than a message may have.
    """

    def __init__(self) -> None:
        """Start at the beginning of the input."""
        self._kept = bytearray()
        self._size = 0
        self._is_first = True

    def feed(self, data: bytes) -> Iterator[InputLine]:
        """Process the bytes of one read.

        Args:
            data: Nothing at the end of the input.

        Yields:
            The complete lines; at the end also a last one without a
            line feed.
        """
        if not data:
            line = self._line()
            if line.size:
                yield line
            return
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._add(piece)
            yield self._line()
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        """Count a piece, and keep as much as a message may have."""
        self._size += len(piece)
        # The mark is not counted before the line is complete.
        room = len(codecs.BOM_UTF8) + MAX_CONTENT_BYTES + 1 - len(self._kept)
        self._kept += piece[: max(0, room)]

    def _line(self) -> InputLine:
        """Return the line so far and start the next one."""
        # Windows begins a text with a byte order mark, which is no part
        # of it.
        if self._is_first and self._kept.startswith(codecs.BOM_UTF8):
            del self._kept[: len(codecs.BOM_UTF8)]
            self._size -= len(codecs.BOM_UTF8)
        self._is_first = False
        del self._kept[MAX_CONTENT_BYTES + 1 :]
        line = InputLine(self._kept.decode("utf-8", "surrogateescape"), self._size)
        self._kept.clear()
        self._size = 0
        return line


_MAX_BYTES = 64 * 1024


class Input(Protocol):
    """Reads what can be read without waiting."""

    def read(self, chat: ChatSession) -> None:
        """Read what is available and pass it on.

        Args:
            chat: Gets the lines, or the end.
        """
        ...

    def discard(self) -> None:
        """Forget what a person typed and nobody has read yet."""
        ...


class PipeInput:
    """A pipe, a file, or a terminal that delivers whole lines."""

    def __init__(self, descriptor: int) -> None:
        """Read from a descriptor that someone else closes."""
        self._descriptor = descriptor
        self._splitter = LineSplitter()

    def read(self, chat: ChatSession) -> None:
        """Implements `Input.read`, line by line."""
        data = read_some(self._descriptor)
        for line in self._splitter.feed(data):
            chat.type(line.text, line.size)
        if not data:
            chat.end()

    def discard(self) -> None:
        """Implements `Input.discard`; a pipe is read to its end."""
        discard_typed(self._descriptor)


class TerminalInput:
    """A terminal that delivers single keys."""

    def __init__(self, descriptor: int, editor: LineEditor, screen: TerminalScreen) -> None:
        """Edit the line that the screen draws."""
        self._descriptor = descriptor
        self._keys = KeyDecoder()
        self._editor = editor
        self._screen = screen
        self._password = LineEditor()

    def read(self, chat: ChatSession) -> None:
        """Implements `Input.read`, key by key."""
        data = read_some(self._descriptor)
        if not data:
            chat.end()
        for key in self._keys.feed(data):
            dialog = chat.login_dialog
            if dialog is not None:
                self._press_in_dialog(key, dialog, chat)
            elif not chat.has_ended:
                self._press(key, chat)
        self._screen.draw_input()

    def discard(self) -> None:
        """Implements `Input.discard`, with half a sequence of keys."""
        self._keys = KeyDecoder()
        self._password = LineEditor()
        discard_typed(self._descriptor)

    def _press(self, key: str | Key | Paste, chat: ChatSession) -> None:
        """Apply a key to the line, or send it."""
        match key:
            case Key.ENTER:
                self._send(chat)
            case Key.REDRAW:
                self._screen.repaint()
            case Key.END_OF_INPUT if not self._editor.text:
                chat.end()
            case Key():
                self._editor.press(key)
            case Paste(text, dropped):
                if dropped or not self._editor.insert(text):
                    chat.notice(
                        f"not pasted: {len(text) + dropped:,} characters; a message has at most "
                        f"{MAX_CONTENT_BYTES:,} bytes"
                    )
            case _:
                self._editor.insert(key)

    def _send(self, chat: ChatSession) -> None:
        """Send the line; one that is refused stays."""
        text = self._editor.text
        if text and chat.type(text, len(text.encode("utf-8", "surrogateescape"))):
            self._editor.take()

    def _press_in_dialog(
        self, key: str | Key | Paste, dialog: LoginDialog, chat: ChatSession
    ) -> None:
        """Apply a key to the password, which nobody sees."""
        match key:
            case Key.ENTER:
                password, self._password = self._password.text, LineEditor()
                dialog.answer(password)
            case Key.END_OF_INPUT:
                chat.give_up_login()
            case Key():
                self._password.press(key)
            case Paste(text, _):
                self._password.insert(text)
            case _:
                self._password.insert(key)


def discard_typed(descriptor: int) -> None:
    """Discard what a terminal has and nobody has read.

    Args:
        descriptor: A terminal, or anything else, which stays as it is.
    """
    if os.isatty(descriptor):
        termios.tcflush(descriptor, termios.TCIFLUSH)


def read_some(descriptor: int) -> bytes:
    """Read what is there.

    Args:
        descriptor: Ready to be read.

    Returns:
        The bytes, none at the end and when the terminal is gone.
    """
    try:
        return os.read(descriptor, _MAX_BYTES)
    except OSError:
        # A terminal that hung up answers with an error instead of an
        # end.
        return b""
