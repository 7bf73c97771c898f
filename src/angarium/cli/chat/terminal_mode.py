"""A terminal that hands over each key at once and shows none by itself."""

import os
import termios
from typing import Self

_LOCAL_FLAGS = 3
_CONTROL_CHARACTERS = 6


class TerminalMode:
    """Switches a terminal to single keys, and back on every way out.

    Ctrl-C and Ctrl-Z still raise their signals. Ctrl-backslash does not: it would end the
    program with the terminal as it is.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before = termios.tcgetattr(descriptor)

    def __enter__(self) -> Self:
        """Switch to single keys.

        Returns:
            Itself.
        """
        self.enter()
        return self

    def __exit__(self, *_: object) -> None:
        """Switch back."""
        self.leave()

    def enter(self) -> None:
        """Switch to single keys."""
        attributes = termios.tcgetattr(self._descriptor)
        attributes[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        characters = attributes[_CONTROL_CHARACTERS]
        characters[termios.VMIN] = 1
        characters[termios.VTIME] = 0
        characters[termios.VQUIT] = os.fpathconf(self._descriptor, "PC_VDISABLE").to_bytes(1, "big")
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, attributes)

    def leave(self) -> None:
        """Switch back to what it was."""
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
