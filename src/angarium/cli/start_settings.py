"""The settings of the commands that start or prepare a service."""

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
