"""Connections for reading, which the writer never blocks."""

import sqlite3
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from angarium.deadline import remaining
from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded.sqlite_errors import PASSING, explain, primary_code
from angarium.engines.embedded.write_kind import AT_MOST_SECONDS, Unavailable

Result = TypeVar("Result")

MOST_CONNECTIONS = 32
"""Twice the threads that serve the API's reads by default; a reader too many waits for its turn."""

_STEPS_BETWEEN_CHECKS = 50_000
"""SQLite's virtual steps between two looks at the clock: some milliseconds of work."""


class ReadConnections:
    """Lends each reading thread a connection of its own, the one used last first."""

    def __init__(
        self,
        connect: Callable[[], sqlite3.Connection],
        most: int = MOST_CONNECTIONS,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Open nothing yet.

        Args:
            connect: Opens a connection.
            most: How many connections there are at most.
            check: Called before each read; it raises sqlite3.Error when
                the database must not be read.
        """
        self._connect = connect
        self._check = check
        self._room = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._idle: list[_Reader] = []
        self._closed = False

    def read(
        self,
        query: Callable[[sqlite3.Connection], Result],
        unavailable: Unavailable = StoreUnavailable,
        at_most: float = AT_MOST_SECONDS,
    ) -> Result:
        """Run a query within the deadline in force.

        Args:
            query: Reads and returns; each of its statements sees everything that was committed before it.
            unavailable: What is raised when the database does not answer.
            at_most: The read's own bound in seconds.

        Returns:
            What the query returned.

        Raises:
            LogUnavailable: No answer in time, and `unavailable` says so.
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
        """Close every connection; those in use are closed by their readers."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.close()

    def _run(self, query: Callable[[sqlite3.Connection], Result], expires_at: float) -> Result:
        self._check()
        reader = self._borrow()
        try:
            result = reader.run(query, expires_at)
        except sqlite3.Error as error:
            if primary_code(error) in PASSING:
                self._give_back(reader)
            else:
                reader.close()
            raise
        except BaseException:
            reader.close()
            raise
        self._give_back(reader)
        return result

    def _borrow(self) -> "_Reader":
        with self._lock:
            if self._closed:
                raise sqlite3.ProgrammingError("the database is closed")
            if self._idle:
                return self._idle.pop()
        return _Reader(self._connect())

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
