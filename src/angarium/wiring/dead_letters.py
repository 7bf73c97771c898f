"""Opening dead letters for the `dead` commands."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from angarium.config import Settings
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.services.dead_letters import DeadLetters
from angarium.wiring.embedded import embedded_logs


@contextmanager
def open_dead_letters(settings: Settings) -> Iterator[DeadLetters]:
    """Open log and dead letters only; a service may be running.

    Args:
        settings: The engine and its address or folder.

    Yields:
        The dead letters, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
        LogUnavailable: The engine cannot be reached.
    """
    with _logs(settings) as (log, letters):
        yield DeadLetters(letters, log)


def _logs(settings: Settings) -> AbstractContextManager[tuple[MessageLog, DeadLetterLog]]:
    """Choose the engine; the embedded one needs no driver."""
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import distributed_logs

        return distributed_logs(settings)
    return embedded_logs(settings)
