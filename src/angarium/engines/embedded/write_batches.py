"""Kinds of writes: what one does, what its callers are told, and how
its jobs share a transaction.
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

MAX_WAIT_SECONDS = 2.0
"""No caller waits longer for a write or a read, whatever the deadline
in force.
"""


class WriteBatch(Protocol):
    """The jobs of one kind that share a transaction."""

    def run(self, connection: sqlite3.Connection) -> None:
        """Do the work.

        Args:
            connection: In a transaction that is neither begun nor ended
                here.
        """
        ...

    def complete(self) -> None:
        """Tell the callers, after the commit, what became of their
        jobs.
        """
        ...

    def fail(self, error: Exception) -> None:
        """Tell the callers that nothing is certain.

        Args:
            error: What happened.
        """
        ...

    def split(self) -> "Sequence[WriteBatch]":
        """Split the jobs, to find a faulty one.

        Returns:
            Two portions, or this one when it is a single job.
        """
        ...


class WriteBatchSource(Protocol):
    """A kind of write, as the queue sees it."""

    unavailable: Unavailable
    deferrable: bool

    def take(self) -> WriteBatch:
        """Take out what is waiting; called with the queue's lock held.

        Returns:
            Every job that waited.
        """
        ...


class Admission(Protocol):
    """The queue, as a kind of write sees it."""

    def admit(self, source: WriteBatchSource, add: Callable[[], None]) -> None:
        """Let one job in.

        Args:
            source: The job's kind.
            add: Adds it to the kind's own list.

        Raises:
            LogUnavailable: The queue is full or closed, and
                `source.unavailable` says so.
            StoreUnavailable: Likewise.
        """
        ...


class WriteOperation(Generic[Item, Result]):
    """One kind of write; used by any thread.

    Attributes:
        unavailable: What its callers are told when it fails, for
            whatever reason.
        deferrable: It may wait some milliseconds for others to share a
            commit with.
    """

    def __init__(
        self,
        admission: Admission,
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        unavailable: Unavailable,
        committed: Callable[[], None] | None = None,
        *,
        deferrable: bool = False,
    ) -> None:
        self.unavailable: Unavailable = unavailable
        self.deferrable = deferrable
        self._admission = admission
        self._run = run
        self._committed = committed
        self._jobs: list[tuple[Item, Future[Result]]] = []

    def submit(self, item: Item) -> "Future[Result]":
        """Queue a job without blocking.

        Args:
            item: What to write; it must not change any more.

        Returns:
            A future of what became of it, once it is durable; it holds
            no other error than `unavailable`.

        Raises:
            LogUnavailable: The queue is full or closed, and
                `unavailable` says so.
            StoreUnavailable: Likewise.
        """
        job: tuple[Item, Future[Result]] = (item, Future())
        self._admission.admit(self, lambda: self._jobs.append(job))
        return job[1]

    def offer(self, item: Item) -> "Future[Result]":
        """Queue a job without blocking, and tell in the future when
        that cannot be.

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
        """Do a job and wait for it within the deadline in force.

        Args:
            item: What to write.

        Returns:
            What became of it, once it is durable.

        Raises:
            LogUnavailable: It is not certain in time, and `unavailable`
                says so.
            StoreUnavailable: Likewise.
        """
        budget = remaining(MAX_WAIT_SECONDS)
        if budget <= 0:
            raise self.unavailable("there was no time left to write")
        try:
            return self.submit(item).result(budget)
        except TimeoutError as error:
            raise self.unavailable(
                f"the database did not confirm a write within {budget:.1f} s"
            ) from error

    def take(self) -> WriteBatch:
        """Take out what is waiting; called with the queue's lock held.

        Returns:
            Every job that waited.
        """
        jobs, self._jobs = self._jobs, []
        return _WriteBatch(self, jobs, self._run, self._committed)


class _WriteBatch(Generic[Item, Result]):
    def __init__(
        self,
        kind: WriteOperation[Item, Result],
        jobs: Sequence[tuple[Item, "Future[Result]"]],
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]],
        committed: Callable[[], None] | None,
    ) -> None:
        self._kind = kind
        self._jobs = jobs
        self._run = run
        self._committed = committed
        self._results: Sequence[Result] = ()

    def run(self, connection: sqlite3.Connection) -> None:
        self._results = self._run(connection, [item for item, _ in self._jobs])
        if len(self._results) != len(self._jobs):
            raise ValueError(f"{len(self._jobs)} jobs gave {len(self._results)} results")

    def complete(self) -> None:
        if self._committed is not None:
            self._committed()
        for (_, future), result in zip(self._jobs, self._results, strict=True):
            # Whoever gave up on a job that hung has told its caller
            # already.
            futures.resolve_once(future, result)

    def fail(self, error: Exception) -> None:
        for _, future in self._jobs:
            told = self._kind.unavailable(explain(error))
            told.__cause__ = error
            futures.fail_once(future, told)

    def split(self) -> "Sequence[_WriteBatch[Item, Result]]":
        middle = len(self._jobs) // 2
        if middle == 0:
            return (self,)
        return [
            _WriteBatch(self._kind, jobs, self._run, self._committed)
            for jobs in (self._jobs[:middle], self._jobs[middle:])
        ]


_ENOUGH = 32
"""Jobs that are worth a commit of their own, however deferrable they
are.
"""


class WriteQueue:
    """Jobs between the threads that submit them and the one that
    writes.
    """

    def __init__(self, capacity: int, linger: float, spacing: float) -> None:
        self._capacity = capacity
        self._spacing = spacing
        self._linger = linger
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
        """Let one job in.

        Args:
            source: The job's kind.
            add: Adds it to the kind's own list.

        Raises:
            LogUnavailable: The queue is full or closed, and
                `source.unavailable` says so.
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
            hurries = not self._urgent and (not source.deferrable or self._count >= _ENOUGH)
            self._urgent = self._urgent or hurries
            if hurries or self._count == 1:
                self._news.notify()

    def take(self) -> Sequence[WriteBatch]:
        """Wait for jobs and take all of them; called by the writer
        alone.

        Patient jobs are left for a moment, so that they share the
        commit of whatever comes next; all are left until the commit
        before is a moment ago.

        Returns:
            A portion for each kind; nothing once the queue is closed
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

    def overdue(self, patience: float) -> Sequence[WriteBatch]:
        """Find jobs whose callers have waited long enough; those not
        begun are taken out.

        Args:
            patience: Seconds since the oldest of them was submitted.

        Returns:
            Portions to fail; the writer may still complete those that
            it has begun.
        """
        latest = time.monotonic() - patience
        with self._lock:
            late: list[WriteBatch] = []
            if self._running and self._running_since < latest:
                late += self._running
            if self._waiting and self._waiting_since < latest:
                late += self._take_waiting()
            return late

    def close(self) -> None:
        """Let nothing in any more; what waits is still handed over."""
        with self._lock:
            self._closed = True
            self._news.notify_all()

    def _time_to_wait(self) -> float:
        if self._closed:
            return 0
        if not self._waiting:
            return threading.TIMEOUT_MAX
        due = self._waiting_since + (0 if self._urgent else self._linger)
        return max(due, self._taken_at + self._spacing) - time.monotonic()

    def _take_waiting(self) -> list[WriteBatch]:
        portions = [source.take() for source in self._waiting]
        self._waiting.clear()
        self._count = 0
        self._urgent = False
        return portions
