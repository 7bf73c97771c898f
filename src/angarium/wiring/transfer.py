"""What export and import open, on the engine of the settings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from angarium import __version__
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.services.transfer.backlog import Backlog
from angarium.services.transfer.exporter import Exporter
from angarium.services.transfer.importer import Importer, Target
from angarium.services.transfer.lines import Counts, Header
from angarium.services.transfer.patience import Patience
from angarium.services.transfer.row_reader import RowReader
from angarium.wiring.inspection import Inspection, open_inspection
from angarium.wiring.load import Load, open_load


@contextmanager
def open_export(
    settings: Settings, waiting: Callable[[str], None]
) -> Iterator[tuple[Backlog, Exporter]]:
    """Open what an export reads; the service may be running.

    Args:
        settings: The engine and its address or folder.
        waiting: Called with why, before the export waits for a server.

    Yields:
        What is not stored yet, and an export, until the block ends.

    Raises:
        SetupError: The embedded engine's folder cannot be used.
    """
    clock = SystemClock()
    with open_inspection(settings) as inspection:
        patience = Patience(clock, waiting, time.sleep)
        yield (
            Backlog(inspection.log, inspection.store, patience, clock, time.sleep),
            Exporter(_rows(inspection, patience), Header(clock.now_ms(), __version__)),
        )


@contextmanager
def open_import(
    settings: Settings,
    waiting: Callable[[str], None],
    progress: Callable[[str, Counts], None],
) -> Iterator[Importer]:
    """Open what an import needs; no service may be running.

    Args:
        settings: The engine and its address or folder.
        waiting: Called with why, before the import waits for a server.
        progress: As `Importer` has it.

    Yields:
        An import, until the block ends.

    Raises:
        SetupError: The target cannot be used, or is in use.
        Unavailable: A server cannot be reached.
    """
    patience = Patience(SystemClock(), waiting, time.sleep)
    with open_load(settings) as load:
        yield Importer(_target(settings, load, patience), patience, progress)


def _rows(inspection: Inspection, patience: Patience) -> RowReader:
    """Make a reader of rows."""
    return RowReader(
        inspection.users,
        inspection.conversations,
        inspection.store,
        inspection.reader,
        patience,
    )


def _target(settings: Settings, load: Load, patience: Patience) -> Target:
    """Describe where an import goes."""
    inspection = load.inspection
    return Target(
        load.name,
        settings.partitions,
        inspection.log,
        inspection.dead_letters,
        _rows(inspection, patience),
        load.loader,
        load.group,
        frozenset(user.username for user in settings.users),
    )
