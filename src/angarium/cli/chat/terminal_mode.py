"""A terminal that delivers single keys and echoes nothing."""

import contextlib
import os
import termios
from typing import Self

_LOCAL_FLAGS = 3
_CONTROL_CHARACTERS = 6


class TerminalMode:
    """Switches a terminal to single keys, and back on every way out.

    Ctrl-C and Ctrl-Z still raise their signals. Ctrl-backslash does
    not: it would end the program with the terminal as it is.
    """

    def __init__(self, descriptor: int) -> None:
        """Remember the terminal's present mode."""
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
        """Switch back; what was typed last reaches nobody."""
        self.leave(discard=True)

    def enter(self) -> None:
        """Switch to single keys.

        A process in the background leaves the terminal alone.
        """
        if not self.is_ours():
            return
        attributes = termios.tcgetattr(self._descriptor)
        attributes[_LOCAL_FLAGS] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        # Without this, keys that were typed right before Ctrl-Z would
        # be thrown away.
        attributes[_LOCAL_FLAGS] |= termios.NOFLSH
        characters = attributes[_CONTROL_CHARACTERS]
        characters[termios.VMIN] = 1
        characters[termios.VTIME] = 0
        characters[termios.VQUIT] = os.fpathconf(self._descriptor, "PC_VDISABLE").to_bytes(
            1, "big"
        )
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, attributes)

    def leave(self, discard: bool = False) -> None:
        """Restore the mode from before.

        In the background the shell has done so already.

        Args:
            discard: What was typed and not read is nothing for a shell:
                it could run it.
        """
        if not self.is_ours():
            return
        when = termios.TCSAFLUSH if discard else termios.TCSADRAIN
        termios.tcsetattr(self._descriptor, when, self._before)

    def restore_at_once(self) -> None:
        """Restore the mode, whatever waits to be written or read."""
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)

    def is_ours(self) -> bool:
        """Return whether this process is in the foreground.

        Changing the terminal from the background would suspend it.

        Returns:
            True in the foreground.
        """
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            # The terminal hung up.
            return False
