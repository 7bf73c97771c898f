"""`angarium init`: makes what the service needs before it starts."""

import argparse

from angarium import logs
from angarium.cli.arguments import Commands, add_command, seconds
from angarium.cli.console import Console
from angarium.config import Settings, SettingsError

DEFAULT_TIMEOUT = 60.0


def register(commands: Commands) -> None:
    """Add the command.

    Args:
        commands: Where it belongs.
    """
    parser = add_command(
        commands,
        "init",
        _run,
        "create what the service needs",
        "Create what the service needs, and the configured users. Safe to repeat and to run twice at once; "
        "`angarium serve` does the same by itself.",
        "angarium init",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=DEFAULT_TIMEOUT,
        metavar="SECONDS",
        help=f"how long to wait for servers (default: {DEFAULT_TIMEOUT:g})",
    )


def _run(_: argparse.Namespace, console: Console) -> int:
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    problems = settings.problems_for("init")
    if problems:
        raise SettingsError(problems)
    # The engines are loaded only by the commands that use them: the clients start faster without.
    from angarium import wiring

    handler = logs.configure("cli", "WARNING", settings.log_format, console.stderr)
    try:
        with wiring.open_identity(settings) as room:
            wiring.provision(settings, room.provisioning)
    finally:
        handler.close()
    console.say(f"{settings.data} is ready; users: {', '.join(user.username for user in settings.users)}")
    return 0
