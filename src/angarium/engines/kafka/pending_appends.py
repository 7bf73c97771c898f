"""Records that wait for Kafka, limited in number, size and time."""

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

BOUND_S = 1.8
"""The timeout of a record; with the work before and after it, a request
is answered within 2 s.
"""

MAX_BYTES = 16 * 1024 * 1024
"""Maximum bytes of pending records; the library holds each twice while
it sends it. During a long outage 4,096 of the largest would take 250
MB.
"""

SWEEP_S = 0.05
"""Time between two looks for records that have timed out: small
against BOUND_S, and 20 looks a second cost little.
"""


class _Metadata(Protocol):
    """The library's answer for a record that was appended."""

    @property
    def partition(self) -> int:
        """The partition that the record is in."""
        ...

    @property
    def offset(self) -> int:
        """The record's offset; negative when no longer known."""
        ...

    @property
    def timestamp(self) -> int:
        """The append time, milliseconds since the epoch."""
        ...


class Outcome(Protocol):
    """Is informed about the success or failure of records."""

    def record_success(self, partition: int) -> None:
        """Note that a record was acknowledged or refused by a broker.

        Args:
            partition: The record's partition.
        """
        ...

    def record_failure(self, partition: int) -> None:
        """Note that a record failed or timed out.

        Args:
            partition: The record's partition.
        """
        ...


class PendingAppend:
    """One record that the client library holds."""

    __slots__ = ("_pending_appends", "expires_at", "future", "partition", "size")

    def __init__(
        self, pending_appends: "PendingAppends", partition: int, expires_at: float, size: int
    ) -> None:
        """Start to wait for an answer.

        Args:
            pending_appends: Counts the record until the library lets it
                go.
            partition: The record's partition.
            expires_at: When it times out, by the monotonic clock.
            size: Its size in bytes.
        """
        self._pending_appends = pending_appends
        self.partition = partition
        self.size = size
        self.expires_at = expires_at
        self.future: Future[Appended] = Future()

    def succeed(self, metadata: _Metadata) -> None:
        """Complete the future with the broker's answer.

        Called on the sender's thread.

        Args:
            metadata: The record's position.
        """
        self._pending_appends.completed(self, None)
        if metadata.offset < 0:
            self.give_up(
                LogUnavailable("Kafka already has the record and no longer knows its position")
            )
            return
        # It may have been given up before.
        futures.resolve_once(
            self.future, Appended(metadata.partition, metadata.offset, metadata.timestamp)
        )

    def fail(self, error: BaseException) -> None:
        """Fail the future with the library's error.

        Called on the sender's thread.

        Args:
            error: Why the record failed.
        """
        self._pending_appends.completed(self, error)
        if isinstance(error, RecordRefused):
            self.give_up(too_large(error))
        else:
            self.give_up(unavailable("the record was not acknowledged", error))

    def give_up(self, error: LogUnavailable) -> bool:
        """Fail the future, unless it is complete already.

        Args:
            error: The failure.

        Returns:
            True when the future failed with it.
        """
        return futures.fail_once(self.future, error)


class PendingAppends:
    """Counts the records that the library holds, and times them out.

    The library itself limits neither: its buffer grows without end, and
    a record that waits for a producer id never expires (docs/adr/0013).
    A record that timed out still counts until the library lets it go.
    """

    def __init__(
        self,
        partitions: int,
        limit: int,
        outcome: Outcome,
        clock: Clock,
        timeout_s: float = BOUND_S,
    ) -> None:
        """Start the thread that times records out.

        Args:
            partitions: The topic's partition count.
            limit: Maximum number of records.
            outcome: Is informed about each record.
            clock: Times the records.
            timeout_s: A record without an answer fails after this time.
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
        self._thread = NamedThread(target=self._run, name="kafka-timeouts", daemon=True)
        self._thread.start()

    def begin(self, partition: int, size: int = 0) -> PendingAppend:
        """Count a record and start its timeout.

        This is the backpressure of the producer: while too much waits
        for Kafka, the next record is refused at once.

        Args:
            partition: The record's partition.
            size: Its size in bytes.

        Returns:
            The pending append, which takes the library's answer.

        Raises:
            LogUnavailable: Too many records or bytes are waiting
                already.
        """
        with self._lock:
            if self._count >= self._limit:
                raise LogUnavailable(
                    f"{self._limit:,} records already wait for Kafka, which is the limit"
                )
            if self._bytes and self._bytes + size > MAX_BYTES:
                raise LogUnavailable(
                    f"{self._bytes:,} bytes already wait for Kafka, the limit is {MAX_BYTES:,}"
                )
            self._count += 1
            self._bytes += size
            self._waiting[partition] += 1
        pending = PendingAppend(self, partition, self._clock.monotonic() + self._timeout_s, size)
        self._pending.append(pending)
        if not self._wake.is_set():
            self._wake.set()
        return pending

    def count_waiting(self, partition: int) -> int:
        """Return how many records of a partition the library holds.

        Args:
            partition: Its number.

        Returns:
            The count, with those that have timed out.
        """
        return self._waiting[partition]

    def completed(self, pending: PendingAppend, error: BaseException | None) -> None:
        """Note that the library has let go of a record.

        Args:
            pending: The record, as `begin` returned it.
            error: Why it failed; None when it was acknowledged.
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
        """Fail what is left and end the thread; safe to repeat."""
        self._closing.set()
        self._wake.set()
        self._thread.join(1.0)
        self._expire(float("inf"), "the log was closed")

    def _run(self) -> None:
        """Time records out; sleep while none is pending."""
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(SWEEP_S)
            self._expire(
                self._clock.monotonic(),
                f"Kafka did not acknowledge the record within {self._timeout_s:g} s",
            )
            if not self._pending:
                self._wake.clear()
                if self._pending:
                    self._wake.set()

    def _expire(self, now: float, reason: str) -> None:
        """Fail the records whose time is over, oldest first."""
        # Every record has the same timeout, so they expire in the order
        # in which they were sent.
        while self._pending:
            pending = self._pending[0]
            if not pending.future.done():
                if pending.expires_at > now:
                    return
                if pending.give_up(LogUnavailable(reason)):
                    self._outcome.record_failure(pending.partition)
            self._pending.popleft()
