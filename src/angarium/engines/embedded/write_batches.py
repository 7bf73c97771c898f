"""Write operations, and the queue from which they are committed.

This is the group commit of docs/adr/0005: while one transaction is
written and synced, the jobs of all threads queue up, and the next
transaction takes them all.
"""

import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from angarium import futures
from angarium.deadline import remaining
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.sqlite_errors import explain

Item = TypeVar("Item")
Result = TypeVar("Result")

Unavailable = type[LogUnavailable] | type[StoreUnavailable]

MAX_WAIT_S = 2.0
"""Maximum wait for a write or a read; a deadline may be sooner."""


class WriteBatch(Protocol):
    """The jobs of one operation that share a transaction."""

    def run(self, connection: sqlite3.Connection) -> None:
        """Execute the jobs.

        Args:
            connection: In a transaction; the caller begins and ends it.
        """
        ...

    def complete(self) -> None:
        """Complete the callers' futures, after the commit."""
        ...

    def fail(self, error: Exception) -> None:
        """Fail the callers' futures: nothing is certain.

        Args:
            error: The cause.
        """
        ...

    def split(self) -> "Sequence[WriteBatch]":
        """Split the jobs, to find a faulty one.

        Returns:
            Two batches, or this one when it has a single job.
        """
        ...


class WriteBatchSource(Protocol):
    """A write operation, as the queue sees it."""

    unavailable: Unavailable
    deferrable: bool

    def take(self) -> WriteBatch:
        """Remove and return the waiting jobs.

        Called while the queue's lock is held.

        Returns:
            All of them.
        """
        ...


class WriteOperation(Generic[Item, Result]):
    """One kind of write, such as appending records.

    Used by any thread.

    Attributes:
        unavailable: The class of its callers' errors, whatever the
            cause.
        deferrable: True when its jobs may wait some milliseconds, to
            share a commit with others.
    """

    def __init__(
        self,
        queue: "WriteQueue",
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        unavailable: Unavailable,
        committed: Callable[[], None] | None = None,
        *,
        deferrable: bool = False,
    ) -> None:
        """Name the queue; `Writer.register` explains the others.

        Args:
            queue: Where the jobs wait.
            run: Executes jobs.
            unavailable: The class of the callers' errors.
            committed: Called after each commit.
            deferrable: Whether jobs may wait for others.
        """
        self.unavailable: Unavailable = unavailable
        self.deferrable = deferrable
        self._queue = queue
        self._run = run
        self._committed = committed
        self._jobs: list[tuple[Item, Future[Result]]] = []

    def submit(self, item: Item) -> "Future[Result]":
        """Queue a job without blocking.

        Args:
            item: What to write; it must not change any more.

        Returns:
            A future of the job's result, once it is durable; its only
            error is `unavailable`.

        Raises:
            LogUnavailable: The queue is full or closed, where
                `unavailable` is this class.
            StoreUnavailable: Likewise.
        """
        job: tuple[Item, Future[Result]] = (item, Future())
        self._queue.admit(self, lambda: self._jobs.append(job))
        return job[1]

    def offer(self, item: Item) -> "Future[Result]":
        """Queue a job; a full queue becomes a failed future.

        Args:
            item: What to write; it must not change any more.

        Returns:
            As `submit`.
        """
        try:
            return self.submit(item)
        except (LogUnavailable, StoreUnavailable) as error:
            return futures.failed(error)

    def wait(self, item: Item) -> Result:
        """Queue a job and wait for it within the caller's deadline.

        Args:
            item: What to write.

        Returns:
            The job's result, once it is durable.

        Raises:
            LogUnavailable: It is not certain in time, where
                `unavailable` is this class.
            StoreUnavailable: Likewise.
        """
        left_s = remaining(MAX_WAIT_S)
        if left_s <= 0:
            raise self.unavailable("there was no time left to write")
        try:
            return self.submit(item).result(left_s)
        except TimeoutError as error:
            raise self.unavailable(
                f"the database did not confirm a write within {left_s:.1f} s"
            ) from error

    def take(self) -> WriteBatch:
        """Implements `WriteBatchSource.take`."""
        jobs, self._jobs = self._jobs, []
        return _WriteBatch(self, jobs, self._run, self._committed)


class _WriteBatch(Generic[Item, Result]):
    """Implements `WriteBatch` for one operation's jobs."""

    def __init__(
        self,
        operation: WriteOperation[Item, Result],
        jobs: Sequence[tuple[Item, "Future[Result]"]],
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        committed: Callable[[], None] | None,
    ) -> None:
        """Take jobs out of their operation; nothing runs yet."""
        self._operation = operation
        self._jobs = jobs
        self._run = run
        self._committed = committed
        self._results: Sequence[Result] = ()

    def run(self, connection: sqlite3.Connection) -> None:
        """Implements `WriteBatch.run`; keeps the results."""
        self._results = self._run(connection, [item for item, _ in self._jobs])
        if len(self._results) != len(self._jobs):
            raise ValueError(f"{len(self._jobs)} jobs gave {len(self._results)} results")

    def complete(self) -> None:
        """Implements `WriteBatch.complete`."""
        if self._committed is not None:
            self._committed()
        for (_, future), result in zip(self._jobs, self._results, strict=True):
            # A job that took too long has failed its caller already.
            futures.resolve_once(future, result)

    def fail(self, error: Exception) -> None:
        """Implements `WriteBatch.fail` with an error for each job."""
        for _, future in self._jobs:
            failure = self._operation.unavailable(explain(error))
            failure.__cause__ = error
            futures.fail_once(future, failure)

    def split(self) -> "Sequence[_WriteBatch[Item, Result]]":
        """Implements `WriteBatch.split`."""
        middle = len(self._jobs) // 2
        if middle == 0:
            return (self,)
        return [
            _WriteBatch(self._operation, jobs, self._run, self._committed)
            for jobs in (self._jobs[:middle], self._jobs[middle:])
        ]


_MAX_DEFERRED = 32
"""With as many jobs a commit begins, even if all are deferrable."""


class WriteQueue:
    """Passes jobs from the threads that submit to the writer."""

    def __init__(self, capacity: int, linger_s: float, spacing_s: float) -> None:
        """Set the limits.

        Args:
            capacity: Maximum number of waiting jobs.
            linger_s: Seconds that deferrable jobs wait for others.
            spacing_s: Seconds from one commit's start to the next.
        """
        self._capacity = capacity
        self._spacing_s = spacing_s
        self._linger_s = linger_s
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._closed = False
        self._urgent = False
        self._waiting: dict[WriteBatchSource, None] = {}
        self._count = 0
        self._waiting_since = 0.0
        self._running: Sequence[WriteBatch] = ()
        self._running_since = 0.0
        self._taken_at = -math.inf

    def admit(self, source: WriteBatchSource, add: Callable[[], None]) -> None:
        """Take one job, or refuse it: backpressure on what writes.

        Args:
            source: The job's operation.
            add: Adds it to the operation's own list.

        Raises:
            LogUnavailable: The queue is full or closed, where
                `source.unavailable` is this class.
            StoreUnavailable: Likewise.
        """
        with self._lock:
            if self._closed:
                raise source.unavailable("the database is closed")
            if self._count >= self._capacity:
                raise source.unavailable(f"{self._count} writes are waiting already")
            if not self._waiting:
                self._waiting_since = time.monotonic()
            self._waiting[source] = None
            self._count += 1
            add()
            becomes_urgent = not self._urgent and (
                not source.deferrable or self._count >= _MAX_DEFERRED
            )
            self._urgent = self._urgent or becomes_urgent
            if becomes_urgent or self._count == 1:
                self._news.notify()

    def take(self) -> Sequence[WriteBatch]:
        """Wait for jobs and take all; called by the writer alone.

        Deferrable jobs wait for `linger_s`, so that they share a commit
        with others; all jobs wait for `spacing_s` to pass after the
        last commit began.

        Returns:
            A batch for each operation; nothing once the queue is closed
            and empty.
        """
        with self._lock:
            self._running = ()
            while (left := self._time_to_wait()) > 0:
                self._news.wait(left)
            self._running_since = self._waiting_since
            self._taken_at = time.monotonic()
            self._running = self._take_waiting()
            return self._running

    def pop_expired(self, timeout_s: float) -> Sequence[WriteBatch]:
        """Find jobs that have waited too long; remove waiting ones.

        Args:
            timeout_s: Seconds since the oldest of them was submitted.

        Returns:
            Batches to fail; the writer may still complete the running
            ones.
        """
        latest = time.monotonic() - timeout_s
        with self._lock:
            late: list[WriteBatch] = []
            if self._running and self._running_since < latest:
                late += self._running
            if self._waiting and self._waiting_since < latest:
                late += self._take_waiting()
            return late

    def close(self) -> None:
        """Refuse new jobs; `take` still returns the waiting ones."""
        with self._lock:
            self._closed = True
            self._news.notify_all()

    def _time_to_wait(self) -> float:
        """Return the seconds until the next commit should begin."""
        if self._closed:
            return 0
        if not self._waiting:
            return threading.TIMEOUT_MAX
        due = self._waiting_since + (0 if self._urgent else self._linger_s)
        return max(due, self._taken_at + self._spacing_s) - time.monotonic()

    def _take_waiting(self) -> list[WriteBatch]:
        """Remove and return all waiting jobs; the lock is held."""
        batches = [source.take() for source in self._waiting]
        self._waiting.clear()
        self._count = 0
        self._urgent = False
        return batches
