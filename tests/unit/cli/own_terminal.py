"""Commands that have a terminal to themselves, as in a new window."""

import sys
from collections.abc import Sequence

_LEAD = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def with_terminal(argv: Sequence[str]) -> list[str]:
    """Give the command that runs Python with its stdin as its controlling terminal, in a new session."""
    return [sys.executable, "-c", _LEAD, *argv]
