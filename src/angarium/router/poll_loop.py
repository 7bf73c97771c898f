"""One consumer's work, from joining the group to leaving it."""

from collections.abc import Sequence

from angarium.domain.errors import LogUnavailable
from angarium.ports.message_log import DeadLetter, LogConsumer, PollResult, Record
from angarium.router.clock_watch import ClockWatch
from angarium.router.offsets import AssignedPartitions, OffsetTracker
from angarium.router.record_decoder import decode_record
from angarium.router.scheduler import Scheduler
from angarium.router.settings import WorkerDependencies

MIN_WAIT_S = 0.005
"""The shortest wait for calls in flight before the next poll. A call to
the store takes some milliseconds, so a shorter one would only spin.
"""


class PollLoop:
    """Turns of collecting results, polling, starting and committing.

    Threading: one thread calls everything here and owns the consumer.
    While calls are in flight, a turn waits for the first one to end, on
    a queue that wakes at once, and polls without waiting: a
    conversation goes on as soon as its call ended. That wait is short
    and doubles while nothing happens: new records are seen soon under
    load, and a store that hangs costs no spinning. While no call is in
    flight, the turn waits in the poll itself, which wakes with the
    first record.

    Backpressure is in `_apply_backpressure` (docs/adr/0007), rebalances
    are in `_apply_poll` (docs/adr/0017).
    """

    def __init__(
        self, consumer: LogConsumer, dependencies: WorkerDependencies, clock_watch: ClockWatch
    ) -> None:
        """Keep a new consumer, which joins its group when polled.

        Args:
            consumer: Owned by this loop and closed by it.
            dependencies: The ports and limits of the worker.
            clock_watch: Outlives the loop, so that it logs no warning
                twice.
        """
        self._consumer = consumer
        self._clock_watch = clock_watch
        self._clock = dependencies.clock
        self._limits = dependencies.limits
        self._scheduler = Scheduler(dependencies)
        self._log_partitions = dependencies.partitions
        self._partitions = AssignedPartitions()
        self._poll_health = dependencies.health_of("log", "log")
        self._commit_health = dependencies.health_of("commit", "commit of positions")
        self._commit_at = dependencies.clock.monotonic()
        self._idle_turns = 0
        self._paused = False
        self._stopping = False

    def run_once(self) -> None:
        """Do what is to be done now, or wait for it.

        Each of its two waits, for calls and for records, is at most
        `WorkerLimits.poll_timeout_s` long; a commit, and the start of
        partitions, have limits of their own.
        """
        progressed = False
        if self._scheduler.in_flight or self._poll_health.next_try_in() > 0:
            progressed = self._scheduler.collect(self._collect_timeout_s())
        self._scheduler.start()
        polled = self._poll()
        if polled is not None:
            progressed = self._apply_poll(polled) or progressed
            self._scheduler.start()
            self._commit()
        self._apply_backpressure()
        self._idle_turns = 0 if progressed else self._idle_turns + 1

    def drain(self) -> None:
        """Read no more, apply what was read, and commit it.

        It goes on for `drain_timeout_s` at most, and does not wait for
        a store that is out: what is not finished is applied after the
        next start.
        """
        self._stopping = True
        self._apply_backpressure()
        drain_until = self._clock.monotonic() + self._limits.drain_timeout_s
        while self._scheduler.in_flight and self._clock.monotonic() < drain_until:
            self.run_once()
        self._commit_at = self._clock.monotonic()
        self._commit_health.reset()
        self._commit()

    def close(self) -> None:
        """Leave the group; nothing more is committed."""
        self._consumer.close()

    def _collect_timeout_s(self) -> float:
        """Return how long to wait for calls to end, in seconds."""
        waits = [self._limits.poll_timeout_s]
        if self._scheduler.in_flight:
            waits.append(MIN_WAIT_S * 2 ** min(self._idle_turns, 10))
        if (due := self._scheduler.next_retry_in()) is not None:
            waits.append(due)
        if (pause := self._poll_health.next_try_in()) > 0:
            waits.append(pause)
        return min(waits)

    def _poll(self) -> PollResult | None:
        """Return what a poll brings; None while the log is out."""
        if self._poll_health.next_try_in() > 0:
            return None
        try:
            polled = self._consumer.poll(
                0.0 if self._scheduler.in_flight else self._poll_timeout_s()
            )
        except LogUnavailable as error:
            self._poll_health.record_failure(error, {})
            return None
        self._poll_health.record_success()
        return polled

    def _poll_timeout_s(self) -> float:
        """Return how long a poll may wait while no call is in flight.

        In seconds: until the next retry or the next commit is due.
        """
        waits = [self._limits.poll_timeout_s]
        if (due := self._scheduler.next_retry_in()) is not None:
            waits.append(due)
        if self._partitions.uncommitted():
            waits.append(
                max(
                    0.0,
                    self._commit_at - self._clock.monotonic(),
                    self._commit_health.next_try_in(),
                )
            )
        return min(waits)

    def _apply_poll(self, polled: PollResult) -> bool:
        """Return whether a poll brought anything, and take it in.

        A rebalance comes before the records. Batches of a revoked
        assignment that are in flight are not recalled; their offsets
        are not committed.
        """
        for assignment in polled.lost:
            tracker = self._partitions.revoke(assignment)
            if tracker is not None:
                self._scheduler.drop(tracker)
        for assignment, start in polled.gained.items():
            self._partitions.assign(assignment, start)
        for assignment, records in polled.records.items():
            self._decode(records, self._partitions[assignment])
        return bool(polled.records or polled.gained or polled.lost)

    def _decode(self, records: Sequence[Record], tracker: OffsetTracker) -> None:
        """Turn records into queued entries or dead letters."""
        taken_at = self._clock.monotonic()
        for record in records:
            size = len(record.value or b"")
            watermark = tracker.record_taken(record.offset, record.timestamp, size)
            if watermark is None:
                continue
            self._clock_watch.notice(record.partition, watermark, record.timestamp)
            found = decode_record(record, watermark, tracker, self._log_partitions, taken_at)
            if isinstance(found, DeadLetter):
                self._scheduler.send_to_dead_letters(found, tracker)
            else:
                self._scheduler.add(found)

    def _commit(self) -> None:
        """Commit finished offsets, at most once per commit interval."""
        now = self._clock.monotonic()
        if now < self._commit_at or self._commit_health.next_try_in() > 0:
            return
        positions = self._partitions.uncommitted()
        if not positions:
            return
        try:
            self._consumer.commit(positions)
        except LogUnavailable as error:
            self._commit_health.record_failure(error, {})
            return
        self._commit_health.record_success()
        self._partitions.record_committed(positions)
        self._commit_at = now + self._limits.commit_interval_s

    def _apply_backpressure(self) -> None:
        """Pause the consumer while too much is unfinished."""
        should_pause = self._stopping or self._scheduler.should_pause or self._is_full()
        if should_pause is not self._paused:
            self._paused = should_pause
            if should_pause:
                self._consumer.pause()
            else:
                self._consumer.resume()

    def _is_full(self) -> bool:
        """Return whether the limits of unfinished records are reached.

        While paused, half of each limit counts: so the consumer does
        not switch with every record.
        """
        max_records, max_bytes = (
            self._limits.max_unfinished_records - 1,
            self._limits.max_unfinished_bytes - 1,
        )
        if self._paused:
            max_records, max_bytes = (
                self._limits.max_unfinished_records // 2,
                self._limits.max_unfinished_bytes // 2,
            )
        return (
            self._partitions.unfinished_records > max_records
            or self._partitions.unfinished_bytes > max_bytes
        )
