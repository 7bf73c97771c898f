"""The worker's view of the log."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import cast

from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog, read_headers
from angarium.ports.message_log import BEGINNING, Assignment, Polled, Position, Record

MAX_RECORDS = 250
"""Records in one poll: a hundredth of a second of work for the store,
in whose commit others wait.
"""

MAX_BYTES = 1024 * 1024
"""Bytes of values in one poll, if it brings more than one record; about
seven times as many are in memory while they are read."""

_MAX_RECORD_BYTES = 64 * 1024
"""No value is longer: a text of 10,240 bytes, each written as six."""

# Hexadecimal carries any bytes inside one text; see `rows` for why the
# records come as one value.
_READ = (
    "SELECT group_concat(partition || ' ' || offset || ' ' || timestamp || ' ' ||"
    " hex(key) || ' ' || hex(value) || ' ' || hex(headers), char(10))"
    " FROM ({values}) AS wanted CROSS JOIN log"
    " ON partition = wanted.column1 AND offset >= wanted.column2 AND offset < wanted.column3"
)
_SIZES = (
    "SELECT json_group_array(json_array(partition, offset, length(value)))"
    " FROM ({values}) AS wanted CROSS JOIN log"
    " ON partition = wanted.column1 AND offset >= wanted.column2 AND offset < wanted.column3"
)
_COMMITTED = "SELECT partition, offset, watermark FROM log_positions WHERE consumer_group = ?"
_COMMIT = (
    "INSERT INTO log_positions (consumer_group, partition, offset, watermark) {values}"
    " ON CONFLICT (consumer_group, partition) DO UPDATE"
    " SET offset = excluded.offset, watermark = excluded.watermark WHERE excluded.offset > offset"
)

_tokens = count(1)

_Range = tuple[int, int, int]
"""A partition, its first offset to read, and the first one not to."""


class EmbeddedConsumer:
    """Holds every partition from its first poll until it is closed.

    There is one a group: the data folder's lock keeps other processes
    out, and the wiring makes no second.
    """

    def __init__(self, database: Database, log: EmbeddedLog, group: str) -> None:
        self._database = database
        self._log = log
        self._group = group
        self._commits = database.kind(_commit, LogUnavailable, deferrable=True)
        self._held: dict[int, Assignment] = {}
        self._next: dict[int, int] = {}
        self._paused = False
        self._closed = False
        self._first = 0

    def poll(self, timeout: float) -> Polled:
        """Wait for news.

        Args:
            timeout: Seconds to wait when there is nothing; also while
                paused.

        Returns:
            Every partition with the first poll, records from then on.

        Raises:
            LogUnavailable: The log does not answer; poll again later.
        """
        expires_at = time.monotonic() + timeout
        if not self._held and not self._closed:
            return Polled(gained=self._join())
        while True:
            ends = self._log.ends()
            records = {} if self._paused or self._closed else self._read(ends)
            left = expires_at - time.monotonic()
            if records or left <= 0:
                return Polled(records=records)
            self._log.wait_for_news(ends, left)

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        """Record durably how far partitions have been worked through.

        Args:
            positions: New positions; one that goes back changes
                nothing, nor does one of an assignment that is over.

        Raises:
            LogUnavailable: Not certain; commit again.
        """
        ours = [
            (self._group, assignment.partition, position.offset, position.watermark)
            for assignment, position in positions.items()
            if self._held.get(assignment.partition) == assignment
        ]
        if ours:
            self._commits.wait(ours)

    def pause(self) -> None:
        """Stop the flow of records."""
        self._paused = True

    def resume(self) -> None:
        """Let records flow again from where they stopped."""
        self._paused = False

    def close(self) -> None:
        """Let go of every partition; never raises, safe to repeat."""
        self._closed = True
        self._held.clear()

    def _join(self) -> dict[Assignment, Position]:
        committed = self._database.read(self._committed, LogUnavailable)
        for partition in range(self._log.partitions):
            self._held[partition] = Assignment(partition, next(_tokens))
            self._next[partition] = committed.get(partition, BEGINNING).offset
        return {each: committed.get(each.partition, BEGINNING) for each in self._held.values()}

    def _committed(self, connection: sqlite3.Connection) -> dict[int, Position]:
        found: Sequence[tuple[int, int, int]] = connection.execute(
            _COMMITTED, (self._group,)
        ).fetchall()
        return {partition: Position(offset, watermark) for partition, offset, watermark in found}

    def _read(self, ends: Sequence[int]) -> dict[Assignment, list[Record]]:
        wanted = self._wanted(ends)
        if not wanted:
            return {}
        affordable, found = self._database.read(
            lambda connection: _poll(connection, wanted), LogUnavailable
        )
        _require_all(affordable, found)
        records: dict[Assignment, list[Record]] = {}
        for record in found:
            records.setdefault(self._held[record.partition], []).append(record)
        for partition, _, end in affordable:
            self._next[partition] = end
        return records

    def _wanted(self, ends: Sequence[int]) -> list[_Range]:
        # Each poll begins with another partition, so that a busy one
        # cannot keep the others waiting.
        wanted: list[_Range] = []
        room = MAX_RECORDS
        self._first += 1
        for step in range(len(ends)):
            partition = (self._first + step) % len(ends)
            start = self._next[partition]
            end = min(ends[partition], start + room)
            if end > start:
                wanted.append((partition, start, end))
                room -= end - start
        return wanted


def _require_all(wanted: Sequence[_Range], found: Sequence[Record]) -> None:
    """Refuse to go on behind a record that was accepted and is not
    there.

    Offsets are dense, so that what is missing was not read from the
    file that it was written to. Passed over, it would be lost.
    """
    there = {(record.partition, record.offset) for record in found}
    for partition, start, end in wanted:
        missing = [offset for offset in range(start, end) if (partition, offset) not in there]
        if missing:
            raise LogUnavailable(
                f"partition {partition} lacks {len(missing)} of the records {start} to {end - 1}, "
                f"the first at {missing[0]}; the file was changed by another program"
            )


def _poll(
    connection: sqlite3.Connection, wanted: Sequence[_Range]
) -> tuple[Sequence[_Range], list[Record]]:
    """Read as much of what is wanted as one poll may bring.

    Args:
        connection: To read from.
        wanted: What there is, the most urgent partition first.

    Returns:
        What was read of it, and the records.
    """
    affordable = _affordable(connection, wanted)
    return affordable, _records(connection, affordable)


def _affordable(connection: sqlite3.Connection, wanted: Sequence[_Range]) -> Sequence[_Range]:
    """Return ranges cut so that their values together are not too long,
    but for a single one.
    """
    if sum(end - start for _, start, end in wanted) * _MAX_RECORD_BYTES <= MAX_BYTES:
        return wanted
    sizes = {
        (partition, offset): size
        for text in bulk_sql.select(connection, _SIZES, wanted)
        for partition, offset, size in cast("list[_Range]", bulk_sql.parse(text))
    }
    affordable: list[_Range] = []
    room = MAX_BYTES
    for partition, start, end in wanted:
        for offset in range(start, end):
            room -= sizes.get((partition, offset), 0)
            if room < 0 and (affordable or offset > start):
                return [*affordable, (partition, start, offset)] if offset > start else affordable
        affordable.append((partition, start, end))
    return affordable


def _records(connection: sqlite3.Connection, wanted: Sequence[_Range]) -> list[Record]:
    """Return all records of some ranges."""
    lines = [
        line for text in bulk_sql.select(connection, _READ, wanted) for line in text.split("\n")
    ]
    return sorted(map(_record, lines), key=lambda record: record.offset)


def _record(line: str) -> Record:
    partition, offset, timestamp, key, value, headers = line.split(" ")
    return Record(
        int(partition),
        int(offset),
        int(timestamp),
        bytes.fromhex(key),
        bytes.fromhex(value),
        read_headers(bytes.fromhex(headers)),
    )


def _commit(
    connection: sqlite3.Connection, commits: Sequence[Sequence[tuple[str, int, int, int]]]
) -> Sequence[None]:
    for positions in commits:
        bulk_sql.execute(connection, _COMMIT, positions)
    return [None] * len(commits)
