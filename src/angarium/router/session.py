"""One consumer's work, from joining the group to leaving it."""

from collections.abc import Sequence

from angarium.domain.errors import LogUnavailable
from angarium.ports.message_log import DeadLetter, LogConsumer, Polled, Record
from angarium.router.apply import Applying
from angarium.router.clock_watch import ClockWatch
from angarium.router.entry import read
from angarium.router.partitions import Partitions
from angarium.router.ports import Ports
from angarium.router.progress import PartitionProgress

SHORTEST_WAIT = 0.005


class Session:
    """Turns of taking ends of calls in, polling, starting calls and committing.

    Threading: one thread calls everything here and owns the consumer. While calls are under way a turn
    waits for their ends, on a queue that wakes at the first one, and polls without waiting: a lane goes
    on as soon as its call ended. That wait is short, and doubles while nothing happens, so that new
    records are seen soon under load and a store that hangs costs no spinning. While nothing is under way
    the turn waits in the poll itself, which wakes with the first record.
    """

    def __init__(self, consumer: LogConsumer, ports: Ports, clock_watch: ClockWatch) -> None:
        self._consumer = consumer
        self._clock_watch = clock_watch
        self._clock = ports.clock
        self._pace = ports.pace
        self._applying = Applying(ports)
        self._log_partitions = ports.partitions
        self._partitions = Partitions()
        self._polls = ports.outage("log", "log")
        self._commits = ports.outage("commit", "commit of positions")
        self._commit_at = ports.clock.monotonic()
        self._quiet = 0
        self._paused = False
        self._stopping = False

    def turn(self) -> None:
        """Do what there is to do now, or wait for it, for the longest wait at most."""
        news = False
        if self._applying.in_flight or self._polls.remaining() > 0:
            news = self._applying.settle(self._patience())
        self._applying.start()
        polled = self._poll()
        if polled is not None:
            news = self._take(polled) or news
            self._applying.start()
            self._commit()
        self._regulate()
        self._quiet = 0 if news else self._quiet + 1

    def drain(self) -> None:
        """Take nothing more, wait for what is in flight, and commit what is finished.

        Nobody waits for a store that is out: what is not finished is applied after the next start.
        """
        self._stopping = True
        self._regulate()
        give_up_at = self._clock.monotonic() + self._pace.drain
        while self._applying.in_flight and self._clock.monotonic() < give_up_at:
            self.turn()
        self._commit_at = self._clock.monotonic()
        self._commits.forget()
        self._commit()

    def close(self) -> None:
        """Leave the group; nothing more is committed."""
        self._consumer.close()

    def _patience(self) -> float:
        waits = [self._pace.poll]
        if self._applying.in_flight:
            waits.append(SHORTEST_WAIT * 2 ** min(self._quiet, 10))
        if (due := self._applying.remaining()) is not None:
            waits.append(due)
        if (pause := self._polls.remaining()) > 0:
            waits.append(pause)
        return min(waits)

    def _poll(self) -> Polled | None:
        if self._polls.remaining() > 0:
            return None
        try:
            polled = self._consumer.poll(0.0 if self._applying.in_flight else self._idle())
        except LogUnavailable as error:
            self._polls.failed(error, {})
            return None
        self._polls.succeeded()
        return polled

    def _idle(self) -> float:
        waits = [self._pace.poll]
        if (due := self._applying.remaining()) is not None:
            waits.append(due)
        if self._partitions.uncommitted():
            waits.append(max(0.0, self._commit_at - self._clock.monotonic(), self._commits.remaining()))
        return min(waits)

    def _take(self, polled: Polled) -> bool:
        for assignment in polled.lost:
            progress = self._partitions.lose(assignment)
            if progress is not None:
                self._applying.drop(progress)
        for assignment, start in polled.gained.items():
            self._partitions.gain(assignment, start)
        for assignment, records in polled.records.items():
            self._read(records, self._partitions[assignment])
        return bool(polled.records or polled.gained or polled.lost)

    def _read(self, records: Sequence[Record], progress: PartitionProgress) -> None:
        for record in records:
            time = progress.take(record.offset, record.timestamp, len(record.value or b""))
            if time is None:
                continue
            self._clock_watch.notice(record.partition, time, record.timestamp)
            found = read(record, time, progress, self._log_partitions)
            if isinstance(found, DeadLetter):
                self._applying.bury(found, progress)
            else:
                self._applying.add(found)

    def _commit(self) -> None:
        now = self._clock.monotonic()
        if now < self._commit_at or self._commits.remaining() > 0:
            return
        positions = self._partitions.uncommitted()
        if not positions:
            return
        try:
            self._consumer.commit(positions)
        except LogUnavailable as error:
            self._commits.failed(error, {})
            return
        self._commits.succeeded()
        self._partitions.committed(positions)
        self._commit_at = now + self._pace.commit

    def _regulate(self) -> None:
        wanted = self._stopping or self._applying.sated or self._is_full()
        if wanted is not self._paused:
            self._paused = wanted
            if wanted:
                self._consumer.pause()
            else:
                self._consumer.resume()

    def _is_full(self) -> bool:
        """Return whether enough is in flight: up to the bounds, then down to their halves."""
        records, held = self._pace.records - 1, self._pace.bytes - 1
        if self._paused:
            records, held = self._pace.records // 2, self._pace.bytes // 2
        return self._partitions.unfinished > records or self._partitions.unfinished_bytes > held
