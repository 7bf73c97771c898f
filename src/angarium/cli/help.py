"""`angarium help`, and the page that lists the commands."""

import argparse
from collections.abc import Iterator

from angarium.cli.arguments import Commands, Parser, add_command
from angarium.cli.command_line import find_command
from angarium.cli.console import Console

GROUPS = (
    ("start here", ("serve", "login", "send", "history", "inbox", "chat", "whoami", "logout")),
    ("look inside", ("status", "trace", "audit", "verify", "dead")),
    ("administer", ("users", "export", "import")),
    ("run it on Kafka and Cassandra", ("init", "api", "worker")),
    ("the program itself", ("config", "completion", "help", "version")),
)
"""The commands in the order in which people need them."""

_WIDTH = 12

_ABOUT = "A messaging backend, and a client for it."

_OPTIONS = (
    ("-h, --help", "explain the program, or a command"),
    ("-V, --version", "print the version"),
)

_EPILOG = """\
Options may come before or after a command. Settings are environment variables: see
`angarium config`. Every command explains itself: `angarium send -h`.
"""


def register(commands: Commands, root: Parser) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
        root: The parser of all commands.
    """

    def run(arguments: argparse.Namespace, console: Console) -> int:
        """Print the help of the program, or of one command."""
        parser = root
        for name in arguments.command:
            parser = find_command(parser, name)
        show(root, parser, console)
        return 0

    parser = add_command(
        commands,
        "help",
        run,
        "explain the program, or a command",
        "Explain the program, or a command, as `-h` does.",
        "angarium help\nangarium help send\nangarium help users add",
    )
    parser.add_argument("command", metavar="COMMAND", nargs="*", help="the command's name")


def show(root: Parser, parser: Parser, console: Console) -> None:
    """Print the help of a command, or of the program.

    Args:
        root: The parser of all commands.
        parser: The command's.
        console: Where to.
    """
    text = "".join(_overview(root)) if parser is root else parser.format_help()
    console.stdout.write(text)


def _overview(root: Parser) -> Iterator[str]:
    """Format the list of commands, group by group."""
    summaries = dict(root.summaries)
    yield f"usage: {root.prog} COMMAND …\n\n{_ABOUT}\n"
    for title, names in GROUPS:
        there = [name for name in names if name in summaries]
        if there:
            yield f"\n{title}:\n"
        for name in there:
            yield f"    {name:<{_WIDTH}} {summaries[name]}\n"
    yield "\noptions:\n"
    for option, what in _OPTIONS:
        yield f"    {option:<{_WIDTH + 2}} {what}\n"
    yield f"\n{_EPILOG}"
