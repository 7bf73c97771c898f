"""The data of the embedded engine, for commands that only look at it."""

from angarium.cli.errors import CommandError
from angarium.config import Settings


def require_data(settings: Settings) -> None:
    """Make sure that there is something to look at: a command that lists makes nothing.

    Args:
        settings: Names the engine.

    Raises:
        CommandError: The embedded engine's folder has no database.
    """
    # The engines are loaded only by the commands that use them: the clients start faster without.
    from angarium import wiring

    if not wiring.has_data(settings):
        raise CommandError(
            f"there is no data in {settings.data}: name its folder in ANGARIUM_DATA, or make it with"
            " `angarium serve` or `angarium init`"
        )
