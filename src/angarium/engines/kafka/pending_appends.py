"""Records on their way: at most so many, of so many bytes, each with an
answer within a bound.
"""

import threading
from collections import deque
from concurrent.futures import Future
from typing import Protocol

from angarium import futures
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.engines.kafka.errors import RecordRefused, too_large, unavailable
from angarium.ports.message_log import Appended
from angarium.threads import NamedThread

BOUND_SECONDS = 1.8
"""When a record is given up; with the work before and after it, a
request is answered within 2 s.
"""

MAX_BYTES = 16 * 1024 * 1024
"""Bytes of records that are held at most; the library holds each twice
while it sends it. While no broker answers for long, 4,096 of the
largest would be 250 MB.
"""

SWEEP_SECONDS = 0.05
"""Between two looks at what has taken too long."""


class _Metadata(Protocol):
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...


class Outcome(Protocol):
    """Is told what became of records."""

    def record_success(self, partition: int) -> None:
        """Note that a record got through.

        Args:
            partition: Where to.
        """
        ...

    def record_failure(self, partition: int) -> None:
        """Note that a record did not get through.

        Args:
            partition: Where to.
        """
        ...


class PendingAppend:
    """One record on its way."""

    __slots__ = ("_pending_appends", "expires_at", "future", "partition", "size")

    def __init__(
        self, pending_appends: "PendingAppends", partition: int, expires_at: float, size: int
    ) -> None:
        """Begin its way.

        Args:
            pending_appends: Counts it.
            partition: Where it goes.
            expires_at: When it is given up, of the monotonic clock.
            size: How many bytes it has.
        """
        self._pending_appends = pending_appends
        self.partition = partition
        self.size = size
        self.expires_at = expires_at
        self.future: Future[Appended] = Future()

    def acknowledged(self, metadata: _Metadata) -> None:
        """Take the broker's answer; called on the sender's thread.

        Args:
            metadata: The record's place.
        """
        self._pending_appends.completed(self, None)
        if metadata.offset < 0:
            self.give_up(
                LogUnavailable("Kafka has had the record before and no longer knows where")
            )
            return
        # It may have been given up before.
        futures.resolve_once(
            self.future, Appended(metadata.partition, metadata.offset, metadata.timestamp)
        )

    def refused(self, error: BaseException) -> None:
        """Take the client's failure; called on the sender's thread.

        Args:
            error: What the library says.
        """
        self._pending_appends.completed(self, error)
        if isinstance(error, RecordRefused):
            self.give_up(too_large(error))
        else:
            self.give_up(unavailable("the record was not acknowledged", error))

    def give_up(self, error: LogUnavailable) -> bool:
        """Answer with a failure, unless there is an answer already.

        Args:
            error: The failure.

        Returns:
            True when it became the answer.
        """
        return futures.fail_once(self.future, error)


class PendingAppends:
    """Counts the records that the client library holds, and gives up
    those that take too long.

    The library itself has no bound on either: its buffer grows without
    end, and a record that waits for a producer id never expires. A
    record that was given up still counts until the library lets it go.
    """

    def __init__(
        self,
        partitions: int,
        limit: int,
        outcome: Outcome,
        clock: Clock,
        timeout_s: float = BOUND_SECONDS,
    ) -> None:
        """Start the watch.

        Args:
            partitions: The topic's partition count.
            limit: So many records are held at most.
            outcome: Is told what became of them.
            clock: Measures.
            timeout_s: After so many seconds a record is given up.
        """
        self._limit = limit
        self._outcome = outcome
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._count = 0
        self._bytes = 0
        self._waiting = [0] * partitions
        self._pending: deque[PendingAppend] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = NamedThread(target=self._run, name="kafka-in-flight", daemon=True)
        self._thread.start()

    def begin(self, partition: int, size: int = 0) -> PendingAppend:
        """Take a record.

        Args:
            partition: Where it goes.
            size: How many bytes it has.

        Returns:
            What to tell its fate.

        Raises:
            LogUnavailable: Too many are on their way.
        """
        with self._lock:
            if self._count >= self._limit:
                raise LogUnavailable(f"{self._limit} records wait for Kafka already")
            if self._bytes and self._bytes + size > MAX_BYTES:
                raise LogUnavailable(f"{self._bytes:,} bytes wait for Kafka already")
            self._count += 1
            self._bytes += size
            self._waiting[partition] += 1
        pending = PendingAppend(self, partition, self._clock.monotonic() + self._timeout_s, size)
        self._pending.append(pending)
        if not self._wake.is_set():
            self._wake.set()
        return pending

    def waiting(self, partition: int) -> int:
        """Tell how many records are on their way.

        Args:
            partition: Where to.

        Returns:
            The number of those that the library holds.
        """
        return self._waiting[partition]

    def completed(self, pending: PendingAppend, error: BaseException | None) -> None:
        """Note that the library let go of a record.

        Args:
            pending: What `begin` gave.
            error: Why it failed, None when it got through.
        """
        with self._lock:
            self._count -= 1
            self._bytes -= pending.size
            self._waiting[pending.partition] -= 1
        if error is None or isinstance(error, RecordRefused):
            # A broker that refuses one record does answer.
            self._outcome.record_success(pending.partition)
        elif not isinstance(error, RecordTooLarge):
            self._outcome.record_failure(pending.partition)

    def close(self) -> None:
        """Give up what is left and stop the watch; safe to repeat."""
        self._closing.set()
        self._wake.set()
        self._thread.join(1.0)
        self._expire(float("inf"), "the log was closed")

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(SWEEP_SECONDS)
            self._expire(
                self._clock.monotonic(),
                f"Kafka did not acknowledge the record in {self._timeout_s:g} s",
            )
            if not self._pending:
                self._wake.clear()
                if self._pending:
                    self._wake.set()

    def _expire(self, now: float, reason: str) -> None:
        # Every record has the same bound, so that they expire in the
        # order in which they came.
        while self._pending:
            pending = self._pending[0]
            if not pending.future.done():
                if pending.expires_at > now:
                    return
                if pending.give_up(LogUnavailable(reason)):
                    self._outcome.record_failure(pending.partition)
            self._pending.popleft()
