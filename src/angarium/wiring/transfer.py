"""What export and import open, on the engine of the settings."""

from collections.abc import Iterator
from contextlib import contextmanager

from angarium import __version__
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.services.transfer.exporter import Exporter
from angarium.wiring.inspection import Inspection, open_inspection


@contextmanager
def open_export(settings: Settings) -> Iterator[Exporter]:
    """Open what an export reads; the service may be running.

    Args:
        settings: The engine and its address or folder.

    Yields:
        An export, until the block ends.

    Raises:
        SetupError: The embedded engine's folder cannot be used.
    """
    with open_inspection(settings) as inspection:
        yield make_exporter(inspection)


def make_exporter(inspection: Inspection) -> Exporter:
    """Make an export of what is inspected.

    Args:
        inspection: Reads the store.

    Returns:
        An export, used once.
    """
    return Exporter(
        inspection.users,
        inspection.conversations,
        inspection.store,
        inspection.reader,
        SystemClock(),
        __version__,
    )
