"""Reading the embedded log for the worker."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import cast

from angarium.domain.errors import LogUnavailable
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog, read_headers
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.ports.message_log import BEGINNING, Assignment, PollResult, Position, Record

MAX_RECORDS = 250
"""Records in one poll: about 10 ms of work for the store, and other
writes wait for its commit.
"""

MAX_BYTES = 1024 * 1024
"""Bytes of values in one poll, if it returns more than one record;
about seven times as many are in memory while they are read.
"""

_MAX_RECORD_BYTES = 64 * 1024
"""No value is longer: a text of 10,240 bytes, each written as six."""

# Hexadecimal carries any bytes inside one text; `bulk_sql` says why the
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
"""A partition, its first offset to read, and the offset to stop at."""


class EmbeddedConsumer:
    """Implements `LogConsumer` with all partitions for one consumer.

    It holds them from its first poll until it is closed. Each group has
    one consumer: the data folder's lock keeps other processes out, and
    the wiring makes only one.
    """

    def __init__(self, database: Database, log: EmbeddedLog, group: str) -> None:
        """Join a group at the first poll, not before.

        Args:
            database: Keeps records and committed positions.
            log: Wakes this consumer at an append.
            group: The name that positions are committed under.
        """
        self._database = database
        self._log = log
        self._group = group
        self._commits = database.register(_commit, LogUnavailable, deferrable=True)
        self._held: dict[int, Assignment] = {}
        self._next: dict[int, int] = {}
        self._paused = False
        self._closed = False
        self._first = 0

    def poll(self, timeout_s: float) -> PollResult:
        """Implements `LogConsumer.poll`; the first one only joins."""
        expires_at = time.monotonic() + timeout_s
        if not self._held and not self._closed:
            return PollResult(gained=self._join())
        while True:
            ends = self._log.ends()
            records = {} if self._paused or self._closed else self._read(ends)
            left = expires_at - time.monotonic()
            if records or left <= 0:
                return PollResult(records=records)
            self._log.wait_for_news(ends, left)

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        """Implements `LogConsumer.commit`, in one transaction."""
        ours = [
            (self._group, assignment.partition, position.offset, position.watermark)
            for assignment, position in positions.items()
            if self._held.get(assignment.partition) == assignment
        ]
        if ours:
            self._commits.wait(ours)

    def pause(self) -> None:
        """Implements `LogConsumer.pause`."""
        self._paused = True

    def resume(self) -> None:
        """Implements `LogConsumer.resume`."""
        self._paused = False

    def close(self) -> None:
        """Implements `LogConsumer.close`; no group is left."""
        self._closed = True
        self._held.clear()

    def _join(self) -> dict[Assignment, Position]:
        """Assign all partitions, each from where the group goes on."""
        starts = self._database.read(self._starting_positions, LogUnavailable)
        for partition in range(self._log.partitions):
            self._held[partition] = Assignment(partition, next(_tokens))
            self._next[partition] = starts.get(partition, BEGINNING).offset
        return {each: starts.get(each.partition, BEGINNING) for each in self._held.values()}

    def _starting_positions(self, connection: sqlite3.Connection) -> dict[int, Position]:
        """Read the committed positions, or else where the log starts.

        The watermark of the start puts new messages after those whose
        records are gone.

        Returns:
            By partition; one that is not in it begins at `BEGINNING`.
        """
        found: Sequence[tuple[int, int, int]] = connection.execute(
            _COMMITTED, (self._group,)
        ).fetchall()
        return read_log_starts(connection) | {
            partition: Position(offset, watermark) for partition, offset, watermark in found
        }

    def _read(self, ends: Sequence[int]) -> dict[Assignment, list[Record]]:
        """Read the next records up to the limits of one poll."""
        wanted = self._ranges_to_read(ends)
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

    def _ranges_to_read(self, ends: Sequence[int]) -> list[_Range]:
        """Choose what to read: at most MAX_RECORDS records.

        Each poll begins with another partition, so that a busy one
        cannot starve the others.

        Args:
            ends: By partition, the offset after its last record.

        Returns:
            Ranges, the partition to begin with first.
        """
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
    """Refuse to skip a record that was accepted and is not there.

    Offsets have no gaps, so a missing one means that this is not the
    file that was written to. Skipping it would lose the record.
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
    """Read as many of the wanted records as one poll may return.

    Args:
        connection: To read from.
        wanted: What there is, the most urgent partition first.

    Returns:
        The ranges that were read, and their records.
    """
    affordable = _affordable(connection, wanted)
    return affordable, _records(connection, affordable)


def _affordable(connection: sqlite3.Connection, wanted: Sequence[_Range]) -> Sequence[_Range]:
    """Return ranges shortened to MAX_BYTES, or to a single record."""
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
    """Return all records of some ranges, in the order of offsets."""
    lines = [
        line for text in bulk_sql.select(connection, _READ, wanted) for line in text.split("\n")
    ]
    return sorted(map(_record, lines), key=lambda record: record.offset)


def _record(line: str) -> Record:
    """Decode one line of the result of `_READ`."""
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
    """Store positions in a transaction; none goes back."""
    for positions in commits:
        bulk_sql.execute(connection, _COMMIT, positions)
    return [None] * len(commits)
