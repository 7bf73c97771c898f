"""Dead letters in the embedded database."""

import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future

from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import read_headers, write_headers
from angarium.ports.message_log import DeadLetter, Record

_COLUMNS = (
    "reason, detail, trace_id, source_partition, source_offset, timestamp, key, value, headers"
)
_INSERT = (
    f"INSERT INTO dead_letters ({_COLUMNS}) {{values}}"
    " ON CONFLICT (source_partition, source_offset) DO NOTHING"
)
_READ = f"SELECT {_COLUMNS} FROM dead_letters ORDER BY id DESC LIMIT ?"  # noqa: S608 - a constant
_FIND = (
    f"SELECT {_COLUMNS} FROM dead_letters"  # noqa: S608 - a constant
    " WHERE source_partition = ? AND source_offset = ?"
)
_MAX_INTEGER = 2**63 - 1
"""SQLite has no larger one (sqlite.org/datatype3.html)."""

_Row = tuple[str, str, str, int, int, int, bytes | None, bytes | None, str]


class EmbeddedDeadLetters:
    """Implements `DeadLetterLog`, keeping each position once."""

    def __init__(self, database: Database) -> None:
        """Register the write that adds dead letters."""
        self._database = database
        self._appends = database.register(_append, LogUnavailable, deferrable=True)

    def append(self, letter: DeadLetter) -> "Future[None]":
        """Implements `DeadLetterLog.append`; the first one is kept."""
        return self._appends.submit(letter)

    def read(self, limit: int) -> Sequence[DeadLetter]:
        """Implements `DeadLetterLog.read`."""
        return self._database.read(lambda connection: _read(connection, limit), LogUnavailable)

    def find(self, partition: int, offset: int) -> DeadLetter | None:
        """Implements `DeadLetterLog.find`, by the unique key."""
        if max(partition, offset) > _MAX_INTEGER:
            return None
        return self._database.read(
            lambda connection: _find(connection, partition, offset), LogUnavailable
        )


def _append(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> Sequence[None]:
    """Insert dead letters in a transaction, new positions only."""
    bulk_sql.execute(connection, _INSERT, [_row(letter) for letter in letters])
    return [None] * len(letters)


def _read(connection: sqlite3.Connection, limit: int) -> Sequence[DeadLetter]:
    """Read up to `limit` dead letters, the newest first."""
    return [_letter(row) for row in connection.execute(_READ, (limit,))]


def _find(connection: sqlite3.Connection, partition: int, offset: int) -> DeadLetter | None:
    """Read the dead letter of a position."""
    row: _Row | None = connection.execute(_FIND, (partition, offset)).fetchone()
    return None if row is None else _letter(row)


def _row(letter: DeadLetter) -> _Row:
    """Encode a dead letter in the order of `_COLUMNS`."""
    record = letter.record
    return (
        letter.reason,
        letter.detail,
        letter.trace_id,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.value,
        write_headers(record.headers),
    )


def _letter(row: _Row) -> DeadLetter:
    """Decode a row in the order of `_COLUMNS`."""
    reason, detail, trace_id, partition, offset, timestamp, key, value, headers = row
    record = Record(partition, offset, timestamp, key, value, read_headers(headers))
    return DeadLetter(reason, detail, record, trace_id)
