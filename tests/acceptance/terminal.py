"""A terminal with a shell in it, as a person has one: what is typed
goes in line by line, and what comes out is read as lines.
"""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_LEAD = """
import fcntl, os, signal, sys, termios
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
_SHELL = ("bash", "--noprofile", "--norc", "--noediting", "-i")
_PROMPT = re.compile(r"<ready>\Z")
_ROWS_AND_COLUMNS = (50, 160)
_FRAME = re.compile(r"\x1b\[H")
"""Where a command that redraws the screen begins anew."""

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
_CLOSE_S = 10.0


class Terminal:
    """One bash in a pseudo-terminal of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Start the shell.

        Args:
            folder: Where it is.
            environment: Its variables.
        """
        self._own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *_ROWS_AND_COLUMNS, 0, 0))
        attributes = termios.tcgetattr(theirs)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, attributes)
        self._shell = subprocess.Popen(
            [sys.executable, "-c", _LEAD, *_SHELL],
            cwd=folder,
            env={**environment, "TERM": "xterm", "NO_COLOR": "1", "PS1": "<ready>", "PS2": ""},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._text = ""
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def is_idle(self) -> bool:
        """Whether the shell waits for a command."""
        return _PROMPT.search(self._text) is not None

    def type(self, command: str) -> None:
        """Enter a command; what came before is forgotten.

        Args:
            command: One or more lines.
        """
        with self._said:
            self._text = ""
        os.write(self._own, f"{command}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._own, b"\x03")

    def lines(self) -> Sequence[str]:
        """Give the whole lines that the last command has written.

        Returns:
            The lines, without colours and moves of the cursor.
        """
        text = _FRAME.sub("\n", re.sub(r"\r+\n", "\n", self._text))
        # What a carriage return goes back to is written over.
        *lines, last = (line.rsplit("\r", 1)[-1] for line in _ESCAPE.sub("", text).split("\n"))
        ended = last.removesuffix("<ready>") if self.is_idle else ""
        return [*lines, ended] if ended else lines

    def wait(self, seconds: float) -> None:
        """Wait until more comes.

        Args:
            seconds: How long at most.
        """
        with self._said:
            self._said.wait(seconds)

    def close(self) -> None:
        """End the shell and all that runs in it."""
        for group in self._groups():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self._shell.kill()
        self._shell.wait(_CLOSE_S)
        self._reader.join(_CLOSE_S)
        os.close(self._own)

    def _groups(self) -> Sequence[int]:
        """Give the groups of the processes that it runs."""
        try:
            return [os.tcgetpgrp(self._own)]
        except OSError:
            return []

    def _read(self) -> None:
        """Keep what is written until the last process has closed it."""
        while True:
            try:
                data = os.read(self._own, 65536)
            except OSError:
                return
            if not data:
                return
            with self._said:
                self._text += data.decode(errors="replace")
                self._said.notify_all()
