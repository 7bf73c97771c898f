"""The log on the database: dense offsets per partition, one append a
row.
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
    """Put headers of any bytes into text.

    Args:
        headers: By name; None is a header without a value.

    Returns:
        ASCII: a JSON object; bytes that are no UTF-8 become lone
            surrogates (PEP 383).
    """
    return json.dumps(
        {
            name: None if value is None else value.decode("utf-8", "surrogateescape")
            for name, value in headers.items()
        }
    )


def read_headers(text: str | bytes) -> dict[str, bytes | None]:
    """Read headers back.

    Args:
        text: What `write_headers` gave.

    Returns:
        Equal headers.
    """
    document = cast("dict[str, str | None]", json.loads(text))
    return {
        name: None if value is None else value.encode("utf-8", "surrogateescape")
        for name, value in document.items()
    }


_CHECK_SECONDS = 1.0
_INSERT = "INSERT INTO log (partition, offset, timestamp, key, value, headers) {values}"
_ENDS = "SELECT max(offset) + 1 FROM log WHERE partition = ?"
_PROBE = (
    "INSERT INTO meta (name, value) VALUES ('probed_at', ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_BALLAST_BYTES = 256 * 1024
"""A score of the largest messages: more than one that failed needed."""
_LOAD = "INSERT INTO meta (name, value) VALUES ('ballast' || hex(zeroblob(? / 2)), 0)"
_UNLOAD = "DELETE FROM meta WHERE name >= 'ballast' AND name < 'ballasu'"


class EmbeddedLog:
    """Takes records into the database's next commit; tells consumers in
    this process at once.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._appends = database.kind(self._append, LogUnavailable, self._publish)
        self._probes = database.kind(self._probe, LogUnavailable, self._end_shortage)
        self._appended = threading.Condition()
        self._ends: tuple[int, ...] | None = None
        self._next: list[int] | None = None
        self._uncertain: list[int] = []
        self._is_short = False
        self._version: tuple[sqlite3.Connection, int] | None = None

    @property
    def partitions(self) -> int:
        """Tell the partition count.

        Returns:
            The fixed number of partitions.
        """
        return self._database.partitions

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Append a record durably, without blocking the caller.

        Args:
            record: What to append.

        Returns:
            A future of the record's place once it is fsynced, or of
            LogUnavailable when that is not certain within 2 s.

        Raises:
            LogUnavailable: At once, when too many writes wait already;
                the record is not there.
        """
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

    def rested(self) -> None:
        """Nothing waits for company here: the writer takes all that
        there is whenever it commits.
        """

    def check(self) -> None:
        """See whether the log takes records now: commit something.

        Something small is enough until a record found no room. Then a
        full disk may still have a corner for it, and so the room of
        some records is tried, until that succeeds or a record does.

        Raises:
            LogUnavailable: It does not, within the deadline in force
                and 1 s at most.
        """
        with within(_CHECK_SECONDS):
            self._probes.wait(None)

    def ends(self) -> Sequence[int]:
        """Tell where each partition ends.

        Returns:
            By partition, the offset that the next record will get;
            every record before it is durable.

        Raises:
            LogUnavailable: The database does not answer.
        """
        with self._appended:
            known = self._ends
        if known is not None:
            return known
        read = self._database.read(self._read_ends, LogUnavailable)
        with self._appended:
            if self._ends is None:
                self._ends = tuple(read)
            return self._ends

    def wait_for_news(self, seen: Sequence[int], timeout: float) -> None:
        """Wait until some partition ends elsewhere; look for appends of
        other processes at the end.

        Args:
            seen: What `ends` told.
            timeout: Seconds at most.

        Raises:
            LogUnavailable: The database does not answer.
        """
        with self._appended:
            if self._appended.wait_for(lambda: self._ends is not seen, timeout):
                return
        read = tuple(self._database.read(self._read_ends, LogUnavailable))
        with self._appended:
            if self._ends is seen and read != seen:
                self._ends = read

    def _append(
        self, connection: sqlite3.Connection, items: Sequence[tuple[int, bytes, bytes, str]]
    ) -> list[Appended]:
        # Until the commit is certain nobody knows where the partitions
        # end: then they are read again, as after a commit of another
        # process, which appends when it replays dead letters.
        known, self._next = self._next, None
        ends = (
            self._read_ends(connection) if known is None or self._is_foreign(connection) else known
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
        self._uncertain = ends
        return appended

    def _is_foreign(self, connection: sqlite3.Connection) -> bool:
        # The pragma's number changes with every commit of any other
        # connection, and can be compared within one connection only
        # (sqlite.org/pragma.html#pragma_data_version).
        (number,) = connection.execute("PRAGMA data_version").fetchone()
        before, self._version = self._version, (connection, number)
        return before is None or before[0] is not connection or before[1] != number

    def _publish(self) -> None:
        self._end_shortage()
        self._next = self._uncertain
        with self._appended:
            self._ends = tuple(self._next)
            self._appended.notify_all()

    def _read_ends(self, connection: sqlite3.Connection) -> list[int]:
        found: list[tuple[int | None]] = [
            connection.execute(_ENDS, (partition,)).fetchone()
            for partition in range(self._database.partitions)
        ]
        return [end or 0 for (end,) in found]

    def _probe(self, connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        connection.execute(_PROBE, (self._clock.now_ms(),))
        connection.execute(_UNLOAD)
        if self._is_short:
            connection.execute(_LOAD, (_BALLAST_BYTES,))
        return items

    def _notice_shortage(self, appended: "Future[Appended]") -> None:
        """Remember that a record found no room."""
        error = None if appended.cancelled() else appended.exception()
        if error is not None and error.__cause__ is not None and lacks_room(error.__cause__):
            self._is_short = True

    def _end_shortage(self) -> None:
        """Forget it; called after a commit of records, or of as
        much.
        """
        self._is_short = False
