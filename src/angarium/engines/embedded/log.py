"""The log in the embedded database: one row per record.

Offsets of a partition have no gaps. A position of the log becomes the
position in the conversation (docs/adr/0002).
"""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import cast

from angarium.clock import Clock
from angarium.deadline import within
from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.sqlite_errors import lacks_room
from angarium.ports.message_log import Appended, NewRecord


def write_headers(headers: Mapping[str, bytes | None]) -> str:
    """Encode headers of any bytes as text.

    Args:
        headers: By name; None is a header without a value.

    Returns:
        ASCII: a JSON object; bytes that are not UTF-8 become lone
            surrogates (PEP 383).
    """
    return json.dumps(
        {
            name: None if value is None else value.decode("utf-8", "surrogateescape")
            for name, value in headers.items()
        }
    )


def read_headers(text: str | bytes) -> dict[str, bytes | None]:
    """Decode headers.

    Args:
        text: What `write_headers` returned.

    Returns:
        The same headers.
    """
    document = cast("dict[str, str | None]", json.loads(text))
    return {
        name: None if value is None else value.encode("utf-8", "surrogateescape")
        for name, value in document.items()
    }


_CHECK_S = 1.0
_INSERT = "INSERT INTO log (partition, offset, timestamp, key, value, headers) {values}"
_ENDS = (
    "SELECT max("
    "coalesce((SELECT max(offset) + 1 FROM log WHERE partition = ?1), 0), "
    "coalesce((SELECT offset FROM log_starts WHERE partition = ?1), 0))"
)
"""Offsets go on where the last record was, even after it was removed.
"""
_PROBE = (
    "INSERT INTO meta (name, value) VALUES ('probed_at', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_BALLAST_BYTES = 256 * 1024
"""As much as several of the largest messages, so more than the one that
failed needed.
"""

_LOAD = "INSERT INTO meta (name, value) VALUES ('ballast' || hex(zeroblob(? / 2)), 0)"
_UNLOAD = "DELETE FROM meta WHERE name >= 'ballast' AND name < 'ballasu'"


def read_ends(connection: sqlite3.Connection, partitions: int) -> list[int]:
    """Read the offset of each partition's next record.

    Args:
        connection: To read from.
        partitions: The log's partition count.

    Returns:
        By partition.
    """
    return [
        connection.execute(_ENDS, (partition,)).fetchone()[0] for partition in range(partitions)
    ]


class EmbeddedLog:
    """Implements `MessageLog`; wakes consumers in this process."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Register the writes that append and that probe.

        Args:
            database: Keeps the records.
            clock: The records' append times.
        """
        self._database = database
        self._clock = clock
        self._appends = database.register(self._append, LogUnavailable, self._publish)
        self._probes = database.register(self._probe, LogUnavailable, self._end_shortage)
        self._appended = threading.Condition()
        self._ends: tuple[int, ...] | None = None
        self._next: list[int] | None = None
        self._uncommitted: list[int] = []
        self._lacks_room = False
        self._version: tuple[sqlite3.Connection, int] | None = None

    @property
    def partitions(self) -> int:
        """The number of partitions, which never changes."""
        return self._database.partitions

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Implements `MessageLog.append` with one fsync per commit."""
        headers = write_headers({name: text.encode() for name, text in record.headers.items()})
        appended = self._appends.submit(
            (
                partition_for(record.key, self._database.partitions),
                record.key,
                record.value,
                headers,
            )
        )
        appended.add_done_callback(self._notice_shortage)
        return appended

    def check(self) -> None:
        """Implements `MessageLog.check` by committing something.

        It is small until a record has failed for lack of space. From
        then on it is as large as some records, because a full disk may
        still have space for a small one; it is small again once it
        or a record succeeds.
        """
        with within(_CHECK_S):
            self._probes.wait(None)

    def ends(self) -> Sequence[int]:
        """Return the end of each partition.

        Returns:
            By partition, the offset of its next record; every record
            before it is durable.

        Raises:
            LogUnavailable: The database does not answer.
        """
        with self._appended:
            known = self._ends
        if known is not None:
            return known
        read = self._database.read(
            lambda connection: read_ends(connection, self.partitions), LogUnavailable
        )
        with self._appended:
            if self._ends is None:
                self._ends = tuple(read)
            return self._ends

    def wait_for_news(self, seen: Sequence[int], timeout_s: float) -> None:
        """Wait for an append; look for other processes' at the end.

        Args:
            seen: What `ends` returned.
            timeout_s: Maximum seconds.

        Raises:
            LogUnavailable: The database does not answer.
        """
        with self._appended:
            if self._appended.wait_for(lambda: self._ends is not seen, timeout_s):
                return
        read = tuple(
            self._database.read(
                lambda connection: read_ends(connection, self.partitions), LogUnavailable
            )
        )
        with self._appended:
            if self._ends is seen and read != seen:
                self._ends = read

    def _append(
        self, connection: sqlite3.Connection, items: Sequence[tuple[int, bytes, bytes, str]]
    ) -> list[Appended]:
        """Insert records at the ends of their partitions.

        The ends are in memory after a commit of this process. They are
        read again when a commit has failed, and after a commit of
        another process, such as `angarium dead replay`.

        Returns:
            Each record's position.
        """
        known, self._next = self._next, None
        ends = (
            read_ends(connection, self.partitions)
            if known is None or self._has_foreign_commit(connection)
            else known
        )
        now = self._clock.now_ms()
        appended = []
        added: list[bulk_sql.Row] = []
        for partition, key, value, headers in items:
            offset = ends[partition]
            ends[partition] = offset + 1
            appended.append(Appended(partition, offset, now))
            added.append((partition, offset, now, key, value, headers))
        bulk_sql.execute(connection, _INSERT, added)
        self._uncommitted = ends
        return appended

    def _has_foreign_commit(self, connection: sqlite3.Connection) -> bool:
        """Return whether another connection has committed since.

        The pragma's number changes with every commit of any other
        connection, and can only be compared within one connection
        (sqlite.org/pragma.html#pragma_data_version).
        """
        (number,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, (connection, number)
        return before is None or before[0] is not connection or before[1] != number

    def _publish(self) -> None:
        """Show consumers the new ends after a commit."""
        self._end_shortage()
        self._next = self._uncommitted
        with self._appended:
            self._ends = tuple(self._next)
            self._appended.notify_all()

    def _probe(self, connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        """Write the time, and as much as records if space is short."""
        connection.execute(_PROBE, (self._clock.now_ms(),))
        connection.execute(_UNLOAD)
        if self._lacks_room:
            connection.execute(_LOAD, (_BALLAST_BYTES,))
        return items

    def _notice_shortage(self, appended: "Future[Appended]") -> None:
        """Make checks larger after a record found no space."""
        error = None if appended.cancelled() else appended.exception()
        if error is not None and error.__cause__ is not None and lacks_room(error.__cause__):
            self._lacks_room = True

    def _end_shortage(self) -> None:
        """Make checks small again, after a commit of as much."""
        self._lacks_room = False
