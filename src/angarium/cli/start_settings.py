"""The settings of the commands that start or prepare a service."""

from angarium.cli.console import Console
from angarium.config import Settings
from angarium.engines.secrets.passwords import ScryptHasher


def start_settings(command: str, console: Console) -> Settings:
    """Read the settings, and see that they fit a command before anything of it starts.

    Args:
        command: `serve`, `api`, `worker` or `init`.
        console: Has the environment.

    Returns:
        The settings.

    Raises:
        SettingsError: With every problem at once.
    """
    return Settings.from_env(console.environment, console.stderr.isatty(), command, ScryptHasher().is_hash)
