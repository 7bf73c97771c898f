"""A pool of connections for reading, which the writer never blocks."""

import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from angarium.deadline import remaining
from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded.sqlite_errors import explain
from angarium.engines.embedded.write_batches import MAX_WAIT_S, Unavailable

Result = TypeVar("Result")

MAX_READERS = 32
"""Twice the threads that serve the API's reads by default; one reader
more waits for a connection.
"""

FEW_READERS = 4
"""For a command, which reads little."""

_STEPS_BETWEEN_CHECKS = 50_000
"""SQLite's virtual steps between two checks of the deadline: some
milliseconds of work.
"""


class ReadConnections:
    """Lends a connection to each reading thread.

    The one that was used last is lent first, because its cache is warm.
    """

    def __init__(
        self, connections: Sequence[sqlite3.Connection], check: Callable[[], None] = lambda: None
    ) -> None:
        """Take over connections; no other is ever opened.

        Args:
            connections: Closed with this.
            check: Called before each read; it raises sqlite3.Error when
                the database must not be read.
        """
        self._check = check
        self._available = threading.BoundedSemaphore(len(connections))
        self._lock = threading.Lock()
        self._idle = [_Reader(each) for each in connections]
        self._closed = False

    def read(
        self,
        query: Callable[[sqlite3.Connection], Result],
        unavailable: Unavailable = StoreUnavailable,
        at_most_s: float = MAX_WAIT_S,
    ) -> Result:
        """Run a query within the deadline in force.

        Args:
            query: Reads and returns; each of its statements sees
                everything that was committed before it.
            unavailable: What is raised when the database does not
                answer.
            at_most_s: The read's own limit in seconds.

        Returns:
            What the query returned.

        Raises:
            LogUnavailable: No answer in time, where `unavailable` is
                this class.
            StoreUnavailable: Likewise.
        """
        left_s = remaining(at_most_s)
        expires_at = time.monotonic() + left_s
        if left_s <= 0 or not self._available.acquire(timeout=left_s):
            raise unavailable("there was no time left to read")
        try:
            return self._run(query, expires_at)
        except sqlite3.Error as error:
            raise unavailable(explain(error)) from error
        finally:
            self._available.release()

    def close(self) -> None:
        """Close all connections; readers close those in use."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()

    def _run(self, query: Callable[[sqlite3.Connection], Result], expires_at: float) -> Result:
        """Run a query on a borrowed connection."""
        self._check()
        reader = self._borrow()
        try:
            return reader.run(query, expires_at)
        except BaseException as error:
            # A statement that the query has left unfinished would keep
            # its read transaction open: the connection's next reader
            # would see old data.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            self._give_back(reader)

    def _borrow(self) -> "_Reader":
        """Take an idle connection; the semaphore says there is one."""
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the database is closed")
            return self._idle.pop()

    def _give_back(self, reader: "_Reader") -> None:
        """Make a connection idle, or close it after `close`."""
        with self._lock:
            if not self._closed:
                self._idle.append(reader)
                return
        reader.close()


class _Reader:
    """A connection that only reads, and interrupts late queries."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Refuse writes, and check the deadline while a query runs."""
        self._connection = connection
        self._expires_at = 0.0
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(self._overdue, _STEPS_BETWEEN_CHECKS)

    def run(self, query: Callable[[sqlite3.Connection], Result], expires_at: float) -> Result:
        """Run a query until a moment of the monotonic clock."""
        self._expires_at = expires_at
        return query(self._connection)

    def close(self) -> None:
        """Close it; no other thread uses it now."""
        self._connection.close()

    def _overdue(self) -> bool:
        """Return True to make SQLite interrupt the query."""
        return time.monotonic() >= self._expires_at
