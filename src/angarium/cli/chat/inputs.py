"""Where lines come from."""

import os
from typing import Protocol

from angarium.cli.chat.chat_session import ChatSession
from angarium.cli.chat.editor import LineEditor
from angarium.cli.chat.keys import Key, KeyDecoder
from angarium.cli.chat.lines import LineSplitter
from angarium.cli.chat.terminal import TerminalScreen

_MAX_BYTES = 64 * 1024


class Input(Protocol):
    """Reads what can be read without waiting."""

    def read(self, talk: ChatSession) -> None:
        """Take what is there.

        Args:
            talk: Gets the lines, or the end.
        """
        ...


class PipeInput:
    """A pipe, a file, or a terminal that hands over whole lines."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._splitter = LineSplitter()

    def read(self, talk: ChatSession) -> None:
        """Take what is there.

        Args:
            talk: Gets the lines, or the end.
        """
        data = read_some(self._descriptor)
        for line in self._splitter.feed(data):
            talk.type(line.text, line.size)
        if not data:
            talk.end()


class TerminalInput:
    """A terminal that hands over each key."""

    def __init__(self, descriptor: int, editor: LineEditor, screen: TerminalScreen) -> None:
        self._descriptor = descriptor
        self._keys = KeyDecoder()
        self._editor = editor
        self._screen = screen

    def read(self, talk: ChatSession) -> None:
        """Take what is there.

        Args:
            talk: Gets the lines, or the end.
        """
        data = read_some(self._descriptor)
        if not data:
            talk.end()
        for key in self._keys.feed(data):
            if isinstance(key, str):
                self._editor.insert(key)
            elif key is Key.ENTER:
                text = self._editor.take()
                talk.type(text, len(text.encode("utf-8", "surrogateescape")))
            elif key is Key.REDRAW:
                self._screen.repaint()
            elif key is Key.END_OF_INPUT and not self._editor.text:
                talk.end()
            else:
                self._editor.press(key)
        self._screen.draw_input()


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
