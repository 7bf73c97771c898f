"""`angarium version`."""

import argparse
import json
import platform

from angarium import __version__
from angarium.cli.arguments import Commands, add_command, add_json
from angarium.cli.console import Console


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands, "version", _run, "print the version", "Print the version.", "angarium version"
    )
    add_json(parser, "print a JSON object")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print the version and the Python that runs it."""
    python = platform.python_version()
    if arguments.json:
        console.say(json.dumps({"version": __version__, "python": python}))
    else:
        console.say(f"angarium {__version__} (Python {python})")
    return 0
