"""Removing old records from the embedded log (docs/adr/0018).

A record is removed once every consumer group has committed past it and
it is older than the retention. The store has what it said; where the
log starts then is kept with the removal (`log_starts.py`).
"""

import sqlite3
import threading
from collections.abc import Sequence
from functools import partial

from angarium import logs
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log_starts import advance_log_starts, read_log_start
from angarium.ports.message_log import Position

INTERVAL_S = 5.0
"""Pause between two looks, less for a shorter retention: records go
within 10 s of their time.
"""

PORTION = 250
"""Records in one removal, which shares a commit with the sends that
wait: some milliseconds of work.
"""

_APPLIED = (
    "WITH RECURSIVE reader (name) AS (SELECT min(consumer_group) FROM log_positions"
    " UNION ALL SELECT (SELECT min(consumer_group) FROM log_positions"
    " WHERE consumer_group > reader.name) FROM reader WHERE reader.name IS NOT NULL)"
    " SELECT min(coalesce(committed.offset, 0))"
    " FROM (SELECT name FROM reader WHERE name IS NOT NULL UNION SELECT ?1) AS reader"
    " LEFT JOIN log_positions AS committed"
    " ON committed.consumer_group = reader.name AND committed.partition = ?2"
)
"""A group that has committed anything may go on at any time, and one
without a position in a partition has all of it before it. The groups
are found by one search each: there may be 10,000 positions.
"""

_FIRST_DATED = (
    "SELECT offset, timestamp FROM log"
    " WHERE partition = ? AND offset >= ? AND offset < ? AND timestamp <= ?"
    " ORDER BY offset LIMIT 1"
)
_FIRST_YOUNG = (
    "SELECT min(offset) FROM log"
    " WHERE partition = ? AND offset >= ? AND offset < ? AND timestamp > ?"
)
_LATEST = "SELECT max(timestamp) FROM log WHERE partition = ? AND offset >= ? AND offset < ?"
_HOLDING = (
    "SELECT DISTINCT reader.name"
    " FROM (SELECT DISTINCT consumer_group AS name FROM log_positions"
    " WHERE consumer_group <> ?1) AS reader"
    " CROSS JOIN log_positions AS ours ON ours.consumer_group = ?1"
    " LEFT JOIN log_positions AS committed"
    " ON committed.consumer_group = reader.name AND committed.partition = ours.partition"
    " LEFT JOIN log_starts AS starts ON starts.partition = ours.partition"
    " CROSS JOIN log ON log.partition = ours.partition"
    " AND log.offset = max(coalesce(committed.offset, 0), coalesce(starts.offset, 0))"
    " WHERE log.offset < ours.offset AND log.timestamp <= ?2"
    " ORDER BY reader.name"
)
"""Other groups whose next record has expired, while ours is past it."""

_REMOVE = "DELETE FROM log WHERE partition = ? AND offset >= ? AND offset < ?"

_log = logs.get("angarium.engines.embedded")

_Removal = tuple[int, int]
"""A partition, and the offset before which its records go."""


class LogRetention:
    """Removes the records that are applied and expired."""

    def __init__(self, database: Database, group: str, retention_s: int, clock: Clock) -> None:
        """Register the write that removes.

        Args:
            database: Keeps records and committed positions.
            group: The workers' group. It may have committed nothing
                yet, and then needs every record.
            retention_s: Age at which a record expires, in seconds.
            clock: The log's own; a record's age is measured from its
                append.
        """
        self._database = database
        self._group = group
        self._retention_ms = retention_s * 1000
        self._interval_s = min(INTERVAL_S, retention_s)
        self._clock = clock
        self._removals = database.register(self._remove, LogUnavailable, deferrable=True)
        self._failing = False
        self._holding: Sequence[str] = ()

    def run(self, stopping: threading.Event) -> None:
        """Remove what expires until stopped.

        Args:
            stopping: Set it to stop; seen within 2 s.
        """
        while not stopping.wait(self._interval_s):
            try:
                self.remove_expired(stopping)
                holding = self._database.read(self._find_holding, LogUnavailable)
            except LogUnavailable as error:
                self._log_outage(error)
            else:
                self._log_recovery()
                self._log_holding(holding)

    def remove_expired(self, stopping: threading.Event | None = None) -> int:
        """Remove all that has expired by now, in small portions.

        After each portion it rests as long as that took, so that sends
        go on between them.

        Args:
            stopping: Ends it after the next portion.

        Returns:
            The number of records.

        Raises:
            LogUnavailable: The database does not answer, or has no
                space; what was removed until then stays removed.
        """
        stopping = stopping or threading.Event()
        removed = 0
        for partition in self._database.read(self._find_partitions, LogUnavailable):
            while not stopping.is_set():
                began = self._clock.monotonic()
                end = self._database.read(
                    partial(self._find_end, partition=partition), LogUnavailable
                )
                if end is None:
                    break
                removed += self._removals.wait((partition, end))
                stopping.wait(self._clock.monotonic() - began)
        return removed

    def _find_partitions(self, connection: sqlite3.Connection) -> Sequence[int]:
        """Find the partitions in which something has expired."""
        return [
            partition
            for partition in range(self._database.partitions)
            if self._find_end(connection, partition) is not None
        ]

    def _find_end(self, connection: sqlite3.Connection, partition: int) -> int | None:
        """Find the end of a partition's next portion to remove.

        A record from the future was stamped while the clock was ahead.
        It must not keep the log from shrinking until then, so it goes
        with the first expired record after it.

        Args:
            connection: To read from; the pages that the removal needs
                are in the system's cache afterwards.
            partition: Which partition.

        Returns:
            The offset before which records go; None if all stay.
        """
        start = read_log_start(connection, partition).offset
        applied = self._applied(connection, partition)
        now = self._clock.now_ms()
        cutoff = now - self._retention_ms
        dated: tuple[int, int] | None = connection.execute(
            _FIRST_DATED, (partition, start, applied, now)
        ).fetchone()
        if dated is None or dated[1] > cutoff:
            return None
        first = dated[0]
        limit = min(first + PORTION, applied)
        young = _number(connection, _FIRST_YOUNG, (partition, first, limit, cutoff))
        return min(limit if young is None else young, start + PORTION)

    def _remove(
        self, connection: sqlite3.Connection, removals: Sequence[_Removal]
    ) -> Sequence[int]:
        """Remove records in a transaction, and move the starts.

        Returns:
            For each removal, its number of records.
        """
        return [self._remove_before(connection, *removal) for removal in removals]

    def _remove_before(self, connection: sqlite3.Connection, partition: int, end: int) -> int:
        """Remove a partition's records before an offset.

        What is not applied stays, whoever asks: this is the same
        transaction.

        Returns:
            The number of records.
        """
        start = read_log_start(connection, partition).offset
        end = min(end, self._applied(connection, partition))
        latest = _number(connection, _LATEST, (partition, start, end))
        if latest is None:
            return 0
        advance_log_starts(connection, {partition: Position(end, latest)})
        return connection.execute(_REMOVE, (partition, start, end)).rowcount

    def _applied(self, connection: sqlite3.Connection, partition: int) -> int:
        """Return the offset up to which every group has committed."""
        return _number(connection, _APPLIED, (self._group, partition)) or 0

    def _find_holding(self, connection: sqlite3.Connection) -> Sequence[str]:
        """Find other groups that keep expired records from removal."""
        cutoff = self._clock.now_ms() - self._retention_ms
        return [name for (name,) in connection.execute(_HOLDING, (self._group, cutoff))]

    def _log_holding(self, groups: Sequence[str]) -> None:
        """Name groups that hold records, each time these change."""
        if groups and groups != self._holding:
            names = ", ".join(groups)
            _log.warning(
                "retention_held",
                f"records older than ANGARIUM_RETENTION stay in the log, because {names} did not"
                " apply them; docs/operations.md says how to let such a group finish, or forget"
                " it",
                groups=names,
            )
        self._holding = groups

    def _log_outage(self, error: LogUnavailable) -> None:
        """Log the first failure of an outage."""
        if not self._failing:
            self._failing = True
            _log.warning(
                "retention_failed",
                f"old records cannot be removed from the log; trying again every"
                f" {self._interval_s:g} s: {error}",
                error_type=type(error).__name__,
            )

    def _log_recovery(self) -> None:
        """Log the first success after an outage."""
        if self._failing:
            self._failing = False
            _log.info("retention_recovered", "old records are removed from the log again")


def _number(
    connection: sqlite3.Connection, query: str, parameters: Sequence[str | int]
) -> int | None:
    """Run a query that returns one number or NULL."""
    found: tuple[int | None] = connection.execute(query, parameters).fetchone()
    return found[0]
