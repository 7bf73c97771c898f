"""Commands that have a terminal to themselves, as in a new window.

Whoever runs the tests in the background may have had signals ignored,
which every process inherits.
"""

import os
import sys
from collections.abc import Mapping, Sequence

_LEAD = """
import fcntl, os, signal, sys, termios
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def with_terminal(argv: Sequence[str]) -> list[str]:
    """Give the command that runs Python with its stdin as its
    controlling terminal, in a new session.
    """
    return [sys.executable, "-c", _LEAD, *argv]


def environment_of(variables: Mapping[str, str]) -> dict[str, str]:
    """Give a process nothing of this one's environment but its paths
    and the measuring of coverage.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "PYTHONPATH"} or name.startswith("COV")
    }
    return {**kept, **variables}
