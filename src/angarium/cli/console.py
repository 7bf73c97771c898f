"""Where a command reads and writes."""

import getpass
import io
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, Self, TextIO

from angarium.cli.errors import CommandError
from angarium.cli.text import escape_json, escape_unprintable, head
from angarium.cli.text_input import BYTE_ORDER_MARK, describe_fault, utf8_fault

NAME = "angarium"
"""What hints in the code call it, and what it is called where it can be
found by that name.
"""

_MODULE = "__main__.py"


def find_program_name(
    script: str, python: str, find: Callable[[str], str | None] = shutil.which
) -> str:
    """Say what to type to call this program again.

    Args:
        script: What runs, `sys.argv[0]`.
        python: The interpreter as it was called, `sys.orig_argv[0]`.
        find: Looks a program up in the PATH.

    Returns:
        The name alone where the PATH leads to the same file, the path
        as it was typed where it does not.
    """
    if Path(script).name == _MODULE:
        return f"{shlex.quote(python)} -m {NAME}"
    found = find(NAME)
    if Path(script).name != NAME or (
        found is not None and Path(found).absolute() == Path(script).absolute()
    ):
        return NAME
    return shlex.quote(script)


def with_program(line: str) -> str:
    """Name the program in a hint as it was called.

    Args:
        line: May have commands of this program in backticks.

    Returns:
        The line, its commands ready to be pasted.
    """
    hint = f"`{NAME} "
    if hint not in line:
        return line
    return line.replace(hint, f"`{find_program_name(sys.argv[0], sys.orig_argv[0])} ")


MAX_PASSWORD_LINE = 4_096
"""Characters of stdin that are read for a password: more than one may
have, so that a longer one is refused as too long.
"""


class Style(Enum):
    """How text looks where colours are wanted (ECMA-48, SGR)."""

    PLAIN = ""
    DIM = "2"
    BOLD = "1"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


@dataclass(frozen=True, slots=True)
class Console:
    """The streams and the environment of one command.

    Attributes:
        stdin: What is typed or piped in.
        stdout: Results only.
        stderr: Everything else.
        environment: The variables.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]

    @classmethod
    def of_this_process(cls) -> Self:
        """Take the process's streams, in UTF-8, with LF line ends.

        One that was closed is at its end, or goes nowhere.

        Returns:
            The console.
        """
        for stream, errors in (
            (sys.stdin, "surrogateescape"),
            (sys.stdout, "backslashreplace"),
            (sys.stderr, "backslashreplace"),
        ):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")
        return cls(
            sys.stdin or _nowhere("r"),
            sys.stdout or _nowhere("w"),
            sys.stderr or _nowhere("w"),
            os.environ,
        )

    def require_stdout(self) -> None:
        """Refuse to go on if the result cannot be seen by anybody.

        Raises:
            CommandError: stdout was closed when the process began.
        """
        # One that is redirected to the null device has another name.
        if getattr(self.stdout, "name", None) == os.devnull:
            raise CommandError("stdout is closed, and the result goes there")

    def say(self, line: str) -> None:
        """Write a line of the result.

        Args:
            line: Text from others in it is escaped already.
        """
        self.stdout.write(f"{line}\n")

    def say_json(self, text: str) -> None:
        """Write JSON as the result, on lines of its own.

        Args:
            text: JSON with anything in its strings; what a terminal
                would obey is escaped, which changes no value.
        """
        self.say(escape_json(text))

    def note(self, line: str) -> None:
        """Write a line beside the result.

        Args:
            line: Anything; control characters are escaped, and commands
                of this program are named as it was called.
        """
        self.stdout.flush()
        self.stderr.write(f"{escape_unprintable(with_program(line))}\n")
        self.stderr.flush()

    def complain(self, line: str) -> None:
        """Write a line about something that is wrong.

        Args:
            line: Anything; control characters are escaped.
        """
        self.note(f"angarium: {line}")

    @property
    def has_colours(self) -> bool:
        """Return whether to use colours (https://no-color.org)."""
        return (
            self.stdout.isatty()
            and not self.environment.get("NO_COLOR")
            and self.environment.get("TERM", "dumb") != "dumb"
        )

    def paint(self, text: str, style: Style) -> str:
        """Add colour to a text, where colours are wanted.

        Args:
            text: Harmless text.
            style: The look.

        Returns:
            The text, between control sequences where there are colours.
        """
        if style is Style.PLAIN or not self.has_colours:
            return text
        return f"\x1b[{style.value}m{text}\x1b[0m"

    def ask_password(self, prompt: str, twice: bool = False) -> str:
        """Ask for a password.

        On a terminal it is not echoed; otherwise it is a line of stdin.

        Args:
            prompt: What to ask.
            twice: Whether a person must type it again.

        Returns:
            The password, not empty.

        Raises:
            CommandError: There is none, or the two differ.
        """
        if self.stdin.isatty():
            password = self._prompt_for(prompt, twice)
        else:
            password = self.stdin.readline(MAX_PASSWORD_LINE)
        fault = utf8_fault(password)
        if fault is not None:
            raise CommandError(f"the password is {fault}; type it in UTF-8")
        # Editors and shells of Windows begin a file with a byte order
        # mark.
        password = password.removeprefix(BYTE_ORDER_MARK).rstrip("\r\n")
        if not password:
            raise CommandError("the password is empty; type one, or write it on a line of stdin")
        return password

    def _prompt_for(self, prompt: str, twice: bool) -> str:
        """Ask at the terminal, once or twice."""
        try:
            password = getpass.getpass(f"{prompt}: ")
            if twice and password and getpass.getpass(f"{prompt} again: ") != password:
                raise CommandError("the two passwords differ; nothing was changed")
        except EOFError:
            self.note("")
            return ""
        except UnicodeDecodeError as error:
            self.note("")
            raise CommandError(
                f"the password is {describe_fault(error)}; type it in UTF-8"
            ) from None
        except KeyboardInterrupt:
            # Without this the shell's next prompt would follow ours on
            # the same line.
            self.note("")
            raise
        return password


def _nowhere(mode: Literal["r", "w"]) -> TextIO:
    """Open the null device in place of a closed stream."""
    return Path(os.devnull).open(mode, encoding="utf-8")


def drop_unwritten(stream: TextIO) -> None:
    """Discard what a stream could not write.

    Otherwise its next flush would fail, also the interpreter's at exit.

    Args:
        stream: One of the process's own.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class ProgressLine:
    """Writes over itself; silent where stderr is no terminal."""

    def __init__(self, console: Console) -> None:
        """Write to stderr, if it is a terminal."""
        self._stream = console.stderr
        self._visible = console.stderr.isatty()
        self._dirty = False

    def show(self, text: str) -> None:
        """Replace the line by another one.

        Args:
            text: A line.
        """
        if self._visible:
            room = shutil.get_terminal_size().columns - 1
            self._stream.write(f"\r{head(text, room)}\x1b[K")
            self._stream.flush()
            self._dirty = True

    def clear(self) -> None:
        """Leave an empty line for what comes next."""
        if self._dirty:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._dirty = False
