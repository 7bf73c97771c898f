"""Kinds of writes: what one does, what its callers are told, and how its jobs share a transaction."""

import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from angarium.deadline import remaining
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.sqlite_errors import explain

Item = TypeVar("Item")
Result = TypeVar("Result")

Unavailable = type[LogUnavailable] | type[StoreUnavailable]

MAX_WAIT_SECONDS = 2.0
"""No caller waits longer for a write or a read, whatever the deadline in force."""


class WriteBatch(Protocol):
    """The jobs of one kind that share a transaction."""

    def run(self, connection: sqlite3.Connection) -> None:
        """Do the work.

        Args:
            connection: In a transaction that is neither begun nor ended here.
        """
        ...

    def complete(self) -> None:
        """Tell the callers, after the commit, what became of their jobs."""
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
            LogUnavailable: The queue is full or closed, and `source.unavailable` says so.
            StoreUnavailable: Likewise.
        """
        ...


class WriteOperation(Generic[Item, Result]):
    """One kind of write; used by any thread.

    Attributes:
        unavailable: What its callers are told when it fails, for whatever reason.
        deferrable: It may wait some milliseconds for others to share a commit with.
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
            A future of what became of it, once it is durable; it holds no other error than `unavailable`.

        Raises:
            LogUnavailable: The queue is full or closed, and `unavailable` says so.
            StoreUnavailable: Likewise.
        """
        job: tuple[Item, Future[Result]] = (item, Future())
        self._admission.admit(self, lambda: self._jobs.append(job))
        return job[1]

    def offer(self, item: Item) -> "Future[Result]":
        """Queue a job without blocking, and tell in the future when that cannot be.

        Args:
            item: What to write; it must not change any more.

        Returns:
            As `submit`.
        """
        try:
            return self.submit(item)
        except (LogUnavailable, StoreUnavailable) as error:
            refused: Future[Result] = Future()
            refused.set_exception(error)
            return refused

    def wait(self, item: Item) -> Result:
        """Do a job and wait for it within the deadline in force.

        Args:
            item: What to write.

        Returns:
            What became of it, once it is durable.

        Raises:
            LogUnavailable: It is not certain in time, and `unavailable` says so.
            StoreUnavailable: Likewise.
        """
        budget = remaining(MAX_WAIT_SECONDS)
        if budget <= 0:
            raise self.unavailable("there was no time left to write")
        try:
            return self.submit(item).result(budget)
        except TimeoutError as error:
            raise self.unavailable(f"the database did not confirm a write within {budget:.1f} s") from error

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
            # Whoever gave up on a job that hung has told its caller already.
            with suppress(InvalidStateError):
                future.set_result(result)

    def fail(self, error: Exception) -> None:
        for _, future in self._jobs:
            told = self._kind.unavailable(explain(error))
            told.__cause__ = error
            with suppress(InvalidStateError):
                future.set_exception(told)

    def split(self) -> "Sequence[_WriteBatch[Item, Result]]":
        middle = len(self._jobs) // 2
        if middle == 0:
            return (self,)
        return [
            _WriteBatch(self._kind, jobs, self._run, self._committed)
            for jobs in (self._jobs[:middle], self._jobs[middle:])
        ]
