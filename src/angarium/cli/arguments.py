"""What command lines have in common."""

import argparse
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol

from angarium.cli.console import Console
from angarium.cli.errors import UsageError
from angarium.config.addresses import web_address
from angarium.config.values import InvalidValue, quote
from angarium.domain.user import is_username

Command = Callable[[argparse.Namespace, Console], int]

DEFAULT_LIMIT = 50
"""How many messages or dead letters are shown without `--limit`."""

MAX_COUNT = 10_000_000
"""Maximum of a count: enough for an hour of `verify`."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line each.

    It knows its commands and options: help, completion and the order of
    a command line are made from them.

    Attributes:
        summary: One line about the command; empty for the root.
    """

    def __init__(self, **settings: Any) -> None:
        """Begin without commands, and with the option `-h`."""
        self._commands: Commands | None = None
        self._parameters: list[argparse.Action] = []
        self.summary = ""
        super().__init__(**settings)

    @property
    def commands(self) -> "Mapping[str, Parser]":
        """The commands that follow this one, by name."""
        return {} if self._commands is None else self._commands.choices

    @property
    def options(self) -> Mapping[str, argparse.Action]:
        """The options, by every name that they have."""
        return {name: each for each in self._parameters for name in each.option_strings}

    @property
    def words(self) -> Sequence[argparse.Action]:
        """The arguments that are no options, in their order."""
        return [
            each
            for each in self._parameters
            if not each.option_strings and each.nargs != argparse.PARSER
        ]

    @property
    def summaries(self) -> Mapping[str, str]:
        """One line about each command that follows this one."""
        return {name: each.summary for name, each in self.commands.items()}

    def add_commands(self) -> "Commands":
        """Let commands follow this one.

        Returns:
            The list to add them to.
        """
        commands: Commands = self.add_subparsers(
            title="commands", metavar="COMMAND", parser_class=Parser
        )
        self._commands = commands
        return commands

    def _add_action(self, action: argparse.Action) -> argparse.Action:  # type: ignore[override]  # generic in typeshed
        """Note every argument, also one of a group."""
        self._parameters.append(action)
        return super()._add_action(action)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line.

        Args:
            message: What is wrong.

        Raises:
            UsageError: Always.
        """
        command = self.prog.removeprefix("angarium").strip()
        raise UsageError(f"{command + ': ' if command else ''}{message}; see `{self.prog} -h`")


class Commands(Protocol):
    """argparse's object for sub-commands, which has no public type."""

    @property
    def choices(self) -> "Mapping[str, Parser]":
        """The parsers, by the names of their commands."""
        ...

    def add_parser(
        self,
        name: str,
        *,
        help: str | None,  # noqa: A002 - argparse's name
        description: str,
        epilog: str,
        formatter_class: type[argparse.HelpFormatter],
        allow_abbrev: bool,
    ) -> Parser:
        """Add a command's parser.

        Args:
            name: What is typed.
            help: One line for the list of commands.
            description: A few sentences.
            epilog: What follows everything else.
            formatter_class: Lays the help out.
            allow_abbrev: Whether options can be cut short.

        Returns:
            The parser.
        """
        ...


def add_command(
    commands: Commands, name: str, run: Command, summary: str, description: str, example: str
) -> Parser:
    """Add a command and its help to the parser.

    Args:
        commands: The parser's list of commands.
        name: What is typed.
        run: Does it.
        summary: One line for the list of commands.
        description: A few sentences.
        example: Lines as they would be typed.

    Returns:
        The command's own parser.
    """
    indented = "\n".join(f"  {line}" for line in example.splitlines())
    parser = commands.add_parser(
        name,
        help=summary,
        description=textwrap.fill(description, 78),
        epilog=f"example:\n{indented}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.summary = summary
    parser.set_defaults(run=run)
    return parser


def add_json(parser: Parser, what: str = "print the API's own bodies") -> None:
    """Add `--json` to a command.

    Args:
        parser: The command's.
        what: What it prints then.
    """
    parser.add_argument("--json", action="store_true", help=what)


def add_server(parser: Parser) -> None:
    """Let a command name the server that it talks to.

    Args:
        parser: The command's.
    """
    parser.add_argument(
        "--url",
        type=_url,
        help="the server's address (default: ANGARIUM_URL, or else http://127.0.0.1:8080)",
    )


def add_servers(parser: Parser) -> None:
    """Let a command name several instances of its server.

    Args:
        parser: The command's.
    """
    parser.add_argument(
        "--url",
        dest="urls",
        type=_url,
        action="append",
        default=[],
        help="an instance's address; may be given several times (default: ANGARIUM_URL, or else "
        "http://127.0.0.1:8080)",
    )


def add_login(parser: Parser) -> None:
    """Let a command name the login that it uses.

    Args:
        parser: The command's.
    """
    parser.add_argument(
        "--as",
        dest="login",
        metavar="NAME",
        help="use this login (default: the last `angarium login`)",
    )


def username(text: str) -> str:
    """Read a user's name.

    Args:
        text: What was typed.

    Returns:
        The name.

    Raises:
        argparse.ArgumentTypeError: It is not a valid username.
    """
    if not is_username(text):
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a valid username: use 1 to 64 characters from a-z 0-9 . _ -"
        )
    return text


def at_least_one(text: str) -> int:
    """Read a count.

    Args:
        text: What was typed.

    Returns:
        The number.

    Raises:
        argparse.ArgumentTypeError: It is no whole number from 1 to
            10,000,000.
    """
    digits = text.lstrip("0") if text.isascii() and text.isdigit() else ""
    if not 1 <= len(digits) <= 8 or int(digits) > MAX_COUNT:
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a whole number from 1 to {MAX_COUNT:,}"
        )
    return int(digits)


def seconds(text: str) -> float:
    """Read a span of time.

    Args:
        text: What was typed.

    Returns:
        Seconds.

    Raises:
        argparse.ArgumentTypeError: It is no number from 0 to 86,400.
    """
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 86_400:
        raise argparse.ArgumentTypeError(
            f"{quote(text)} is not a number of seconds from 0 to 86,400"
        )
    return number


def _url(text: str) -> str:
    """Read a server's address from the command line."""
    try:
        return web_address(text)
    except InvalidValue as wrong:
        raise argparse.ArgumentTypeError(
            f"{quote(text)} {wrong.reason}; {wrong.instead}"
        ) from wrong
