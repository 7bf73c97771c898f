"""`angarium config`: every setting, its value and its source."""

import argparse
import json

from angarium.cli.arguments import Commands, add_command, add_json
from angarium.cli.console import Console, Style
from angarium.cli.text import escape_unprintable
from angarium.config import Settings, Source


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: The parser's list of commands.
    """
    parser = add_command(
        commands,
        "config",
        _run,
        "show every setting",
        "Show every setting, its value and where the value came from; secrets are masked. "
        "Settings are environment variables; an empty one counts as not set.",
        "ANGARIUM_PORT=9000 angarium config",
    )
    add_json(parser, "print a JSON object")


def _run(arguments: argparse.Namespace, console: Console) -> int:
    """Print one line per setting, with its value aligned."""
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    if arguments.json:
        rows = [{"name": s.name, "value": s.value, "source": s.source} for s in settings.shown]
        console.say_json(json.dumps({"settings": rows}, ensure_ascii=False, indent=2))
        return 0
    widest = max(len(shown.name) for shown in settings.shown)
    for shown in settings.shown:
        value = "-" if shown.value is None else escape_unprintable(shown.value)
        style = Style.DIM if shown.source is Source.DEFAULT else Style.BOLD
        console.say(
            f"{shown.name:<{widest}}  {value}  {console.paint(f'({shown.source})', style)}"
        )
    return 0
