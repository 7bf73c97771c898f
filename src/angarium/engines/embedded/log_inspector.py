"""Reading the embedded log beside a running service."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing

from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import read_ends, read_headers
from angarium.ports.log_inspection import (
    MAX_BYTES_AT_ONCE,
    BuriedRecord,
    GroupMember,
    OffsetRange,
)
from angarium.ports.message_log import Position, Record

_FIRST = "SELECT min(offset) FROM log WHERE partition = ?"
_READ = (
    "SELECT offset, timestamp, key, value, headers FROM log"
    " WHERE partition = ? AND offset >= ? ORDER BY offset LIMIT ?"
)
_COMMITTED = "SELECT partition, offset, watermark FROM log_positions WHERE consumer_group = ?"
_BURIED = (
    "SELECT id, source_partition, source_offset, timestamp, reason, detail FROM dead_letters"
    " WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
)

_LETTERS_AT_ONCE = 500
"""Dead letters of one read: without their content, less than 1 MiB."""


class EmbeddedLogInspector:
    """Implements `LogInspector` with connections that only read.

    Readers of a write-ahead log never block its writer.
    """

    def __init__(self, database: Database, group: str, applying: Callable[[], str | None]) -> None:
        """Read nothing yet.

        Args:
            database: Keeps records and committed positions.
            group: The name that positions are committed under.
            applying: Returns the name of the instance that applies the
                log now, None when there is none; may raise OSError.
        """
        self._database = database
        self._group = group
        self._applying = applying

    def ranges(self) -> Sequence[OffsetRange]:
        """Implements `LogInspector.ranges`."""
        return self._database.read(self._ranges, LogUnavailable)

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """Implements `LogInspector.read`; each call is one search."""
        return self._database.read(
            lambda connection: _read(connection, partition, offset, limit), LogUnavailable
        )

    def committed(self) -> Mapping[int, Position]:
        """Implements `LogInspector.committed`."""
        found = self._database.read(
            lambda connection: connection.execute(_COMMITTED, (self._group,)).fetchall(),
            LogUnavailable,
        )
        return {partition: Position(offset, watermark) for partition, offset, watermark in found}

    def members(self) -> Sequence[GroupMember]:
        """Implements `LogInspector.members`: one owns everything."""
        try:
            instance = self._applying()
        except OSError as error:
            raise LogUnavailable(f"the lock cannot be looked at: {error}") from error
        if instance is None:
            return ()
        return (GroupMember(instance, tuple(range(self._database.partitions))),)

    def _ranges(self, connection: sqlite3.Connection) -> list[OffsetRange]:
        """Read the ranges of all partitions; none becomes negative."""
        ends = read_ends(connection, self._database.partitions)
        firsts: list[int | None] = [
            connection.execute(_FIRST, (partition,)).fetchone()[0]
            for partition in range(len(ends))
        ]
        return [
            OffsetRange(end if first is None else min(first, end), end)
            for first, end in zip(firsts, ends, strict=True)
        ]


class EmbeddedDeadLetterInspector:
    """Implements `DeadLetterInspector`; each record is kept once."""

    def __init__(self, database: Database) -> None:
        """Read nothing yet."""
        self._database = database

    def walk(self) -> Iterator[BuriedRecord]:
        """Implements `DeadLetterInspector.walk`, by id."""
        last = self._one("SELECT coalesce(max(id), 0) FROM dead_letters")
        after = 0
        while after < last:
            rows = self._page(after, last)
            if not rows:
                return
            for _, partition, offset, timestamp, reason, detail in rows:
                yield BuriedRecord(partition, offset, timestamp, reason, detail)
            after = rows[-1][0]

    def count(self) -> int:
        """Implements `DeadLetterInspector.count`."""
        return self._one("SELECT count(*) FROM dead_letters")

    def kept_since(self) -> int:
        """Implements `DeadLetterInspector.kept_since`: for ever."""
        return 0

    def _page(self, after: int, last: int) -> Sequence[tuple[int, int, int, int, str, str]]:
        """Return the next dead letters of a walk, with their ids."""
        wanted = (after, last, _LETTERS_AT_ONCE)
        return self._database.read(
            lambda connection: connection.execute(_BURIED, wanted).fetchall(), LogUnavailable
        )

    def _one(self, query: str) -> int:
        """Return the single number that a query finds."""
        number: int = self._database.read(
            lambda connection: connection.execute(query).fetchone()[0], LogUnavailable
        )
        return number


def _read(
    connection: sqlite3.Connection, partition: int, offset: int, limit: int
) -> Sequence[Record]:
    """Read records until there are enough of them, or of bytes."""
    records: list[Record] = []
    room = MAX_BYTES_AT_ONCE
    with closing(connection.execute(_READ, (partition, offset, limit))) as rows:
        for found, timestamp, key, value, headers in rows:
            room -= len(value)
            if room < 0 and records:
                break
            records.append(Record(partition, found, timestamp, key, value, read_headers(headers)))
    return records
