"""Connections for reading, which the writer never blocks."""

import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from angarium.deadline import remaining
from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded.sqlite_errors import explain
from angarium.engines.embedded.write_batches import MAX_WAIT_SECONDS, Unavailable

Result = TypeVar("Result")

MAX_READERS = 32
"""Twice the threads that serve the API's reads by default; a reader too
many waits for its turn.
"""

FEW_READERS = 4
"""For a command that looks at a few things."""

_STEPS_BETWEEN_CHECKS = 50_000
"""SQLite's virtual steps between two looks at the clock: some
milliseconds of work.
"""


class ReadConnections:
    """Lends each reading thread a connection of its own, the one used
    last first.
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
        self._room = threading.BoundedSemaphore(len(connections))
        self._lock = threading.Lock()
        self._idle = [_Reader(each) for each in connections]
        self._closed = False

    def read(
        self,
        query: Callable[[sqlite3.Connection], Result],
        unavailable: Unavailable = StoreUnavailable,
        at_most: float = MAX_WAIT_SECONDS,
    ) -> Result:
        """Run a query within the deadline in force.

        Args:
            query: Reads and returns; each of its statements sees
                everything that was committed before it.
            unavailable: What is raised when the database does not
                answer.
            at_most: The read's own bound in seconds.

        Returns:
            What the query returned.

        Raises:
            LogUnavailable: No answer in time, and `unavailable` says
                so.
            StoreUnavailable: Likewise.
        """
        budget = remaining(at_most)
        expires_at = time.monotonic() + budget
        if budget <= 0 or not self._room.acquire(timeout=budget):
            raise unavailable("there was no time left to read")
        try:
            return self._run(query, expires_at)
        except sqlite3.Error as error:
            raise unavailable(explain(error)) from error
        finally:
            self._room.release()

    def close(self) -> None:
        """Close every connection; those in use are closed by their
        readers.
        """
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()

    def _run(self, query: Callable[[sqlite3.Connection], Result], expires_at: float) -> Result:
        self._check()
        reader = self._borrow()
        try:
            return reader.run(query, expires_at)
        except BaseException as error:
            # A statement that the query has left unfinished would show
            # its connection's next reader what was there now.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            self._give_back(reader)

    def _borrow(self) -> "_Reader":
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the database is closed")
            return self._idle.pop()

    def _give_back(self, reader: "_Reader") -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(reader)
                return
        reader.close()


class _Reader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._expires_at = 0.0
        connection.execute("PRAGMA query_only = ON")
        connection.set_progress_handler(self._overdue, _STEPS_BETWEEN_CHECKS)

    def run(self, query: Callable[[sqlite3.Connection], Result], expires_at: float) -> Result:
        self._expires_at = expires_at
        return query(self._connection)

    def close(self) -> None:
        self._connection.close()

    def _overdue(self) -> bool:
        return time.monotonic() >= self._expires_at
