"""The one thread that writes to the database (docs/adr/0005)."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from angarium import logs
from angarium.engines.embedded.connections import begin
from angarium.engines.embedded.sqlite_errors import explain, is_outage
from angarium.engines.embedded.write_batches import (
    Item,
    Result,
    Unavailable,
    WriteBatch,
    WriteOperation,
    WriteQueue,
)
from angarium.threads import NamedThread

QUEUE_CAPACITY = 4_096
"""Maximum number of waiting jobs: four times the default limit on
concurrent requests.
"""

TIMEOUT_S = 1.7
"""After this and `_WATCH_S` a caller's future fails; docs/http.md
promises 2 s.
"""

LINGER_S = 0.005
"""How long deferrable jobs wait for others: at 1,000 messages a second
that saves two commits out of three.
"""

SPACING_S = 0.001
"""Minimum time from one commit's start to the next: on a disk that
syncs in 0.2 ms that saves half the CPU time at 3,000 messages a second;
a disk that needs a millisecond or more never waits for it.
"""

BUSY_S = 1.0
"""Maximum wait for another process's transaction."""

_WATCH_S = 0.2
"""How often late jobs and the files are checked."""

_CLOSE_S = 5.0
"""Maximum wait for each thread at a stop."""

_log = logs.get("angarium.engines.embedded")


class Writer:
    """Commits waiting jobs in one transaction with one fsync.

    Jobs queue up while the last commit runs. If a job is faulty, the
    batch is split until only that job fails.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        capacity: int = QUEUE_CAPACITY,
        timeout_s: float = TIMEOUT_S,
        linger_s: float = LINGER_S,
        spacing_s: float = SPACING_S,
        busy_s: float = BUSY_S,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the writer.

        Args:
            connection: The only one that is ever used; `close` closes
                it.
            capacity: Maximum number of waiting jobs.
            timeout_s: Seconds after which callers' futures fail.
            linger_s: Seconds that deferrable jobs wait for others.
            spacing_s: Seconds from one commit's start to the next.
            busy_s: Seconds to wait for another process's transaction.
            check: Called before and after each commit, and several
                times a second; it raises sqlite3.Error when the files
                have changed.
        """
        self._connection = connection
        # `begin` waits for other processes.
        connection.execute("PRAGMA busy_timeout = 0")
        self._check = check
        self._timeout_s = timeout_s
        self._busy_s = busy_s
        self._queue = WriteQueue(capacity, linger_s, spacing_s)
        self._failing = False
        self._ended = threading.Event()
        self._threads = [
            NamedThread(target=self._write_all, name="database-writer", daemon=True),
            NamedThread(target=self._watch, name="database-watch", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def register(
        self,
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        unavailable: Unavailable,
        committed: Callable[[], None] | None = None,
        *,
        deferrable: bool = False,
    ) -> WriteOperation[Item, Result]:
        """Register a kind of write.

        Args:
            run: Executes jobs in a transaction, and returns one result
                for each. It is run again, perhaps with fewer jobs, when
                the transaction failed.
            unavailable: The class of the callers' errors.
            committed: Called after each commit, before the callers'
                futures are completed.
            deferrable: True when its jobs may wait some milliseconds,
                to share a commit with others.

        Returns:
            Where jobs of this kind are submitted.
        """
        return WriteOperation(self._queue, run, unavailable, committed, deferrable=deferrable)

    def close(self) -> None:
        """Write waiting jobs and stop, within 5 s a thread."""
        self._queue.close()
        for thread in self._threads:
            thread.join(_CLOSE_S)
            if thread.is_alive():
                _log.warning("writer_hangs", f"{thread.name} did not end within {_CLOSE_S} s")

    def _write_all(self) -> None:
        """Commit batches until the queue is closed and empty."""
        while batches := self._queue.take():
            self._write(batches)
        self._disconnect()
        self._ended.set()

    def _watch(self) -> None:
        """Fail late jobs, even while the writer hangs in a commit."""
        while not self._ended.wait(_WATCH_S):
            # It logs what it finds; the next job fails with the error.
            with suppress(sqlite3.Error):
                self._check()
            for batch in self._queue.pop_expired(self._timeout_s):
                batch.fail(TimeoutError(f"not written within {self._timeout_s} s"))

    def _write(self, batches: Sequence[WriteBatch]) -> None:
        """Commit batches and complete or fail their futures."""
        try:
            self._transact(batches)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers' futures fail and the thread goes on
            self._undo()
            self._fail(batches, error)
            return
        self._log_recovery()
        for batch in batches:
            try:
                batch.complete()
            except Exception as error:  # noqa: BLE001 - likewise
                _log.error("write_refused", "what follows a commit failed", error)
                batch.fail(error)

    def _transact(self, batches: Sequence[WriteBatch]) -> None:
        """Run batches in one transaction and commit it."""
        self._check()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        begin(self._connection, self._busy_s)
        for batch in batches:
            batch.run(self._connection)
        self._connection.execute("COMMIT")
        # If the file was moved during the commit, no later start would
        # find what was written.
        self._check()

    def _undo(self) -> None:
        """Roll back, and keep the connection whatever happened.

        A new one would be opened by its path, which may lead to another
        file by now. After a failure SQLite discards what it has cached.
        """
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            # It is tried again before the next transaction.
            _log.warning("rollback_failed", explain(error), error_type=type(error).__name__)

    def _fail(self, batches: Sequence[WriteBatch], error: Exception) -> None:
        """Fail all in an outage; else search for the faulty job."""
        if is_outage(error):
            self._log_outage(error)
        else:
            parts = batches if len(batches) > 1 else batches[0].split()
            if len(parts) > 1:
                # One of them is faulty; the others must be written.
                middle = len(parts) // 2
                self._write(parts[:middle])
                self._write(parts[middle:])
                return
            _log.error("write_refused", f"the database refused a write: {explain(error)}", error)
        for batch in batches:
            batch.fail(error)

    def _log_outage(self, error: Exception) -> None:
        """Log the first failure of an outage."""
        if not self._failing:
            self._failing = True
            _log.warning(
                "database_unavailable",
                f"writes fail: {explain(error)}",
                error_type=type(error).__name__,
            )

    def _log_recovery(self) -> None:
        """Log the first commit after an outage."""
        if self._failing:
            self._failing = False
            _log.info("database_recovered", "writes succeed again")

    def _disconnect(self) -> None:
        """Close the connection on the thread that wrote."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            _log.warning("close_failed", explain(error), error_type=type(error).__name__)
