"""The settings and logs of commands that open an engine."""

from collections.abc import Iterator
from contextlib import contextmanager

from angarium import logs
from angarium.cli.console import Console
from angarium.cli.errors import CommandError
from angarium.config import Settings
from angarium.engines.secrets.passwords import ScryptHasher


def start_settings(command: str, console: Console) -> Settings:
    """Read and check the settings that a command starts with.

    Args:
        command: `serve`, `api`, `worker` or `init`.
        console: Has the environment.

    Returns:
        The settings.

    Raises:
        SettingsError: With every problem at once.
    """
    return Settings.from_env(
        console.environment, console.stderr.isatty(), command, ScryptHasher().is_hash
    )


def require_data(settings: Settings) -> None:
    """Check that there is data: these commands create none.

    Args:
        settings: Names the engine.

    Raises:
        CommandError: The embedded engine's folder has no database.
    """
    # The engines are loaded only by the commands that use them: the
    # clients start faster without.
    from angarium import wiring

    if not wiring.has_data(settings):
        raise CommandError(
            f"there is no data in {settings.data}: set ANGARIUM_DATA to its folder, or create it "
            "with `angarium serve` or `angarium init`"
        )


def settings_with_data(console: Console) -> Settings:
    """Read the settings of a command that needs data to be there.

    Args:
        console: Has the environment.

    Returns:
        The settings.

    Raises:
        SettingsError: With every problem at once.
        CommandError: The embedded engine's folder has no database.
    """
    settings = Settings.from_env(console.environment, console.stderr.isatty())
    require_data(settings)
    return settings


@contextmanager
def command_logs(settings: Settings, console: Console, level: str = "WARNING") -> Iterator[None]:
    """Write a command's log lines to its stderr, until the block ends.

    Args:
        settings: The format of the lines.
        console: Has stderr.
        level: The lowest level that is written.

    Yields:
        Nothing.
    """
    handler = logs.configure("cli", level, settings.log_format, console.stderr)
    try:
        yield
    finally:
        handler.close()
