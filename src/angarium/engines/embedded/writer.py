"""The one thread that writes."""

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
"""Jobs that may wait: four times the default bound on requests in
hand.
"""

PATIENCE_SECONDS = 1.7
"""After this and `_WATCH_SECONDS` a caller is told that nothing is
certain; docs/http.md gives 2 s.
"""

LINGER_SECONDS = 0.005
"""How long deferrable jobs wait for others: at 1,000 messages a second
that saves two commits of three.
"""

SPACING_SECONDS = 0.001
"""No commit begins sooner after the one before: on a disk that syncs in
0.2 ms that saves half the CPU time at 3,000 messages a second; one that
needs a millisecond or more never waits for it.
"""

BUSY_SECONDS = 1.0
"""How long another process's transaction is waited for."""

_WATCH_SECONDS = 0.2
_CLOSE_SECONDS = 5.0

_log = logs.get("angarium.embedded")


class Writer:
    """Commits everything that queued up while the last commit ran in
    one transaction with one fsync.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        capacity: int = QUEUE_CAPACITY,
        patience: float = PATIENCE_SECONDS,
        linger: float = LINGER_SECONDS,
        spacing: float = SPACING_SECONDS,
        busy: float = BUSY_SECONDS,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the writer.

        Args:
            connection: The only one that is ever used; closed with
                this.
            capacity: Jobs that may wait.
            patience: Seconds after which callers are told that nothing
                is certain.
            linger: Seconds that deferrable jobs wait for others.
            spacing: Seconds from one commit's beginning to the next.
            busy: Seconds to wait for another process's transaction.
            check: Called before and after each commit, and several
                times a second; it raises sqlite3.Error when what is
                written there is not to be relied on.
        """
        self._connection = connection
        # `begin` waits for other processes.
        connection.execute("PRAGMA busy_timeout = 0")
        self._check = check
        self._patience = patience
        self._busy = busy
        self._queue = WriteQueue(capacity, linger, spacing)
        self._failing = False
        self._ended = threading.Event()
        self._threads = [
            NamedThread(target=self._write_all, name="database-writer", daemon=True),
            NamedThread(target=self._watch, name="database-watch", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def kind(
        self,
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        unavailable: Unavailable,
        committed: Callable[[], None] | None = None,
        *,
        deferrable: bool = False,
    ) -> WriteOperation[Item, Result]:
        """Make a kind of write known.

        Args:
            run: Does jobs in a transaction, one result for each; it is
                run again, perhaps with fewer of them, when the
                transaction failed.
            unavailable: What callers are told when a job fails.
            committed: Called after each commit, before the callers are
                told.
            deferrable: Its jobs may wait some milliseconds for others
                to share a commit with.

        Returns:
            Where jobs of this kind are submitted.
        """
        return WriteOperation(self._queue, run, unavailable, committed, deferrable=deferrable)

    def close(self) -> None:
        """Write what waits and stop, within 5 s."""
        self._queue.close()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
            if thread.is_alive():
                _log.warning(
                    "writer_hangs", f"{thread.name} did not end within {_CLOSE_SECONDS} s"
                )

    def _write_all(self) -> None:
        while portions := self._queue.take():
            self._write(portions)
        self._disconnect()
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.wait(_WATCH_SECONDS):
            # It logs what it finds; the next job fails of it.
            with suppress(sqlite3.Error):
                self._check()
            for portion in self._queue.overdue(self._patience):
                portion.fail(TimeoutError(f"not written within {self._patience} s"))

    def _write(self, portions: Sequence[WriteBatch]) -> None:
        try:
            self._transact(portions)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers are told and the thread goes on
            self._undo()
            self._fail(portions, error)
            return
        self._log_recovery()
        for portion in portions:
            try:
                portion.complete()
            except Exception as error:  # noqa: BLE001 - likewise
                _log.error("write_refused", "what follows a commit failed", error)
                portion.fail(error)

    def _transact(self, portions: Sequence[WriteBatch]) -> None:
        self._check()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        begin(self._connection, self._busy)
        for portion in portions:
            portion.run(self._connection)
        self._connection.execute("COMMIT")
        # A file that was moved during the commit is one that nobody
        # finds.
        self._check()

    def _undo(self) -> None:
        """Roll back; the connection stays, whatever happened.

        Another one would be opened by its path, which may lead
        elsewhere by now. After a failure SQLite itself trusts nothing
        that it has cached.
        """
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            # It is tried again before the next transaction.
            _log.warning("rollback_failed", explain(error), error_type=type(error).__name__)

    def _fail(self, portions: Sequence[WriteBatch], error: Exception) -> None:
        if is_outage(error):
            self._log_outage(error)
        else:
            parts = portions if len(portions) > 1 else portions[0].split()
            if len(parts) > 1:
                # One of them is faulty; the others must not suffer for
                # it.
                middle = len(parts) // 2
                self._write(parts[:middle])
                self._write(parts[middle:])
                return
            _log.error("write_refused", f"the database refused a write: {explain(error)}", error)
        for portion in portions:
            portion.fail(error)

    def _log_outage(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            _log.warning(
                "database_unavailable",
                f"writes fail: {explain(error)}",
                error_type=type(error).__name__,
            )

    def _log_recovery(self) -> None:
        if self._failing:
            self._failing = False
            _log.info("database_recovered", "writes succeed again")

    def _disconnect(self) -> None:
        try:
            self._connection.close()
        except sqlite3.Error as error:
            _log.warning("close_failed", explain(error), error_type=type(error).__name__)
