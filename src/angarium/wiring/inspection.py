"""What commands read beside a running service: its log, its store."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from angarium.config import Settings
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.conversations import ConversationStore
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.messages import MessageReader
from angarium.ports.store_inspection import StoreInspector
from angarium.ports.users import UserStore
from angarium.services.outage_retry import LOCAL_MAX_S, MAX_S


@dataclass(frozen=True, slots=True)
class Inspection:
    """What reads log and store without changing them.

    Attributes:
        store_name: What the store is called in an error.
        import_marker: Reads how far an import into the store is.
        log: Reads records, and the workers' group.
        dead_letters: Reads which records could not be applied.
        store: Reads what is stored.
        users: Their names.
        conversations: Those that readers find.
        reader: Their messages.
    """

    store_name: str
    import_marker: Callable[[], ImportMarker | None]
    log: LogInspector
    dead_letters: DeadLetterInspector
    store: StoreInspector
    users: UserStore
    conversations: ConversationStore
    reader: MessageReader


def open_inspection(settings: Settings) -> AbstractContextManager[Inspection]:
    """Open log and store for reading; a service may be running.

    Entering it waits some seconds for the store, and goes on without
    it: a server that is away hides nothing of the others.

    Args:
        settings: The engine and its addresses or folder.

    Returns:
        The inspectors, until the block ends. Entering it raises
        SetupError when the embedded engine's folder cannot be used.
    """
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import distributed_inspection

        return distributed_inspection(settings)
    from angarium.wiring.embedded import embedded_inspection

    return embedded_inspection(settings)


def outage_patience_s(settings: Settings) -> float:
    """Return how long a command repeats a call to log or store.

    Args:
        settings: The engine.

    Returns:
        Seconds: servers come back, a disk that failed does not.
    """
    return MAX_S if settings.kafka else LOCAL_MAX_S
