"""What writes an import, and what refuses to start on half of one."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from angarium.config import Settings
from angarium.domain.errors import SetupError
from angarium.ports.bulk_load import BulkLoader, GroupStart, ImportMarker
from angarium.services.outage_retry import OutageRetry
from angarium.wiring.inspection import Inspection


@dataclass(frozen=True, slots=True)
class Load:
    """An engine that no service uses, open for an import.

    Attributes:
        inspection: Reads its log and its store.
        loader: Writes its store.
        group: Says where its workers begin.
    """

    inspection: Inspection
    loader: BulkLoader
    group: GroupStart


def open_load(settings: Settings) -> AbstractContextManager[Load]:
    """Open an engine for an import.

    Args:
        settings: The engine and its addresses or folder.

    Returns:
        The engine, until the block ends. Entering it raises SetupError
        when the embedded engine's folder is in use or cannot be used,
        and Unavailable when a server does not answer.
    """
    if settings.kafka:
        # The drivers are loaded only where they are used.
        from angarium.wiring.distributed import distributed_load

        return distributed_load(settings)
    from angarium.wiring.embedded import embedded_load

    return embedded_load(settings)


def refuse_half_import(marker: ImportMarker | None, name: str) -> None:
    """Refuse to use a store that holds half an import.

    Args:
        marker: Of the store.
        name: What the store is called.

    Raises:
        SetupError: The import has not ended.
    """
    if marker is not None and not marker.is_finished:
        raise SetupError(
            f"{name} holds an import that has not ended, of the file with sha256 {marker.sha256}: "
            "run `angarium import FILE` again, it goes on where it was interrupted"
        )


def guard_against_import(
    inspection: Inspection, retry: OutageRetry, command: str
) -> Callable[[], None]:
    """Refuse half an import now, and whatever an import writes later.

    Args:
        inspection: Of the store.
        retry: Repeats calls to it.
        command: What to run again, such as `export`.

    Returns:
        A check for the end of the reading. It raises as this does, and
        also if an import has begun or ended since.

    Raises:
        SetupError: An import has not ended.
        Unavailable: The store was away for too long.
    """
    before = retry(inspection.import_marker)
    refuse_half_import(before, inspection.store_name)

    def check() -> None:
        """Refuse what an import has written meanwhile."""
        after = retry(inspection.import_marker)
        refuse_half_import(after, inspection.store_name)
        if after != before:
            raise SetupError(
                f"{inspection.store_name} was imported into meanwhile: run `angarium {command}` "
                "again"
            )

    return check
