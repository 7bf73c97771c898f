"""What export and import open, on the engine of the settings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from angarium import __version__
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.services.transfer.backlog import Backlog
from angarium.services.transfer.duty_cycle import SHARE, DutyCycle
from angarium.services.transfer.entries import Counts, Header
from angarium.services.transfer.exporter import Exporter
from angarium.services.transfer.importer import Importer, Target
from angarium.services.transfer.patience import Patience
from angarium.services.transfer.row_reader import RowReader
from angarium.wiring.inspection import Inspection, open_inspection
from angarium.wiring.load import Load, open_load


@dataclass(frozen=True, slots=True)
class Export:
    """The parts of an export.

    Attributes:
        backlog: What is accepted and perhaps not stored yet.
        exporter: Reads what is stored.
        duty_cycle: Leaves the machine to a service that runs there.
    """

    backlog: Backlog
    exporter: Exporter
    duty_cycle: DutyCycle


@contextmanager
def open_export(settings: Settings, waiting: Callable[[str], None]) -> Iterator[Export]:
    """Open what an export reads; the service may be running.

    Args:
        settings: The engine and its address or folder.
        waiting: Called with why, before the export waits for a server.

    Yields:
        The parts of an export, until the block ends.

    Raises:
        SetupError: The embedded engine's folder cannot be used.
    """
    clock = SystemClock()
    with open_inspection(settings) as inspection:
        patience = Patience(clock, waiting, time.sleep)
        # On servers, what an export takes is not the service's own.
        is_beside = not settings.kafka and bool(patience.run(inspection.log.members))
        yield Export(
            Backlog(inspection.log, inspection.store, patience, clock, time.sleep),
            Exporter(_rows(inspection, patience), Header(clock.now_ms(), __version__)),
            DutyCycle(time.process_time, time.sleep, SHARE if is_beside else 1),
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
