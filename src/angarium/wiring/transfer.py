"""What export and import open, on the engine of the settings."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from angarium import __version__
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.backlog import Backlog
from angarium.services.transfer.duty_cycle import SHARE, DutyCycle
from angarium.services.transfer.entries import Counts, Header
from angarium.services.transfer.exporter import Exporter
from angarium.services.transfer.importer import Importer, Target
from angarium.services.transfer.row_reader import MESSAGES_AT_ONCE, RowReader
from angarium.wiring.inspection import Inspection, open_inspection, outage_patience_s
from angarium.wiring.load import Load, guard_against_import, open_load

EMBEDDED_MESSAGES_AT_ONCE = 32
"""Message rows of one read of the embedded engine: under a millisecond
of work on a machine that a service may need at any moment.
"""


@dataclass(frozen=True, slots=True)
class Export:
    """The parts of an export.

    Attributes:
        backlog: What is accepted and perhaps not stored yet.
        exporter: Reads what is stored.
    """

    backlog: Backlog
    exporter: Exporter


@contextmanager
def open_export(
    settings: Settings, on_retry: Callable[[Exception, float], None]
) -> Iterator[Export]:
    """Open what an export reads; the service may be running.

    Args:
        settings: The engine and its address or folder.
        on_retry: As `OutageRetry` has it.

    Yields:
        The parts of an export, until the block ends.

    Raises:
        SetupError: The embedded engine's folder cannot be used, or the
            store holds half of an import, at the beginning or at the
            end: the backup that such an export replaced would be the
            better one.
        Unavailable: The store was away for too long.
    """
    clock = SystemClock()
    with open_inspection(settings) as inspection:
        retry = OutageRetry(clock, on_retry, max_s=outage_patience_s(settings))
        check = guard_against_import(inspection, retry, "export")
        # On servers, what an export takes is not the service's own.
        is_beside = not settings.kafka and bool(retry(inspection.log.members))
        duty_cycle = DutyCycle(time.process_time, time.sleep, SHARE if is_beside else 1)
        rows = _rows(settings, inspection, retry)
        yield Export(
            Backlog(inspection.log, inspection.store, retry, clock, time.sleep),
            Exporter(rows, Header(clock.now_ms(), __version__), duty_cycle, check),
        )


@contextmanager
def open_import(
    settings: Settings,
    on_retry: Callable[[Exception, float], None],
    progress: Callable[[str, Counts], None],
) -> Iterator[Importer]:
    """Open what an import needs; no service may be running.

    Args:
        settings: The engine and its address or folder.
        on_retry: As `OutageRetry` has it.
        progress: As `Importer` has it.

    Yields:
        An import, until the block ends.

    Raises:
        SetupError: The target cannot be used, or is in use.
        Unavailable: A server cannot be reached.
    """
    retry = OutageRetry(SystemClock(), on_retry, max_s=outage_patience_s(settings))
    with open_load(settings) as load:
        yield Importer(_target(settings, load, retry), retry, progress)


def _rows(settings: Settings, inspection: Inspection, retry: OutageRetry) -> RowReader:
    """Make a reader of rows."""
    return RowReader(
        inspection.users,
        inspection.conversations,
        inspection.store,
        inspection.reader,
        retry,
        MESSAGES_AT_ONCE if settings.kafka else EMBEDDED_MESSAGES_AT_ONCE,
    )


def _target(settings: Settings, load: Load, retry: OutageRetry) -> Target:
    """Describe where an import goes."""
    inspection = load.inspection
    return Target(
        load.inspection.store_name,
        settings.partitions,
        inspection.log,
        inspection.dead_letters,
        _rows(settings, inspection, retry),
        load.loader,
        load.group,
        frozenset(user.username for user in settings.users),
    )
