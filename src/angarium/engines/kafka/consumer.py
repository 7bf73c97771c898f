"""The consumer of the log on Kafka (docs/adr/0017)."""

import re
from collections.abc import Callable, Mapping, Sequence

from kafka.structs import OffsetAndMetadata

from angarium import logs
from angarium.clock import Clock, SystemClock
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.assignments import AssignmentTracker, Rebalances
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.errors import CLIENT_ERRORS, is_refused_for_good, unavailable
from angarium.engines.kafka.group_member import GroupClient
from angarium.engines.kafka.patches.position import UNKNOWN_EPOCH
from angarium.ports.message_log import BEGINNING, Assignment, PollResult, Position, Record

_WATERMARK = re.compile(r"T=(-1|\d{1,15})")


def to_commit(position: Position, epoch: int = UNKNOWN_EPOCH) -> OffsetAndMetadata:
    """Return a position as an offset commit.

    Args:
        position: How far a partition has been processed.
        epoch: The leader epoch of a record up to there, or polled
            since.

    Returns:
        The offset, with `T=` and the watermark as its metadata.
    """
    return OffsetAndMetadata(position.offset, f"T={position.watermark}", epoch)


def from_commit(committed: OffsetAndMetadata | None) -> Position | None:
    """Return the position that an offset commit holds.

    Args:
        committed: What the group has committed; None when nothing.

    Returns:
        The position; the beginning when there is no commit; None when
        an offset has no watermark, as after an administrator's reset of
        offsets.
    """
    if committed is None:
        return BEGINNING
    found = _WATERMARK.fullmatch(committed.metadata or "")
    if found is not None:
        return Position(committed.offset, int(found[1]))
    return BEGINNING if committed.offset == 0 else None


MAX_POLL_RECORDS = 500
"""Maximum records of a poll, the default of Kafka's own consumers
(`max.poll.records`): an eighth of what a worker may hold unfinished.
"""
SLICE_S = 0.2
"""The library reports a rebalance only between its polls, so a long
poll is divided into polls of this length.
"""

START_S = 2.0
"""Maximum time that one poll spends on asking for positions."""

DISCONNECTED_S = 1.0
"""The library does not report that brokers are gone; after this time
without a connection a poll raises LogUnavailable.
"""

REPLACE_S = 60.0
"""A client that has failed for this long is replaced, in case it cannot
recover by itself (its login was refused).
"""

AskStarts = Callable[[], Mapping[int, Position]]
"""Returns where partitions start for which the group has committed
nothing, or raises LogUnavailable.
"""

KeepStart = Callable[[int, Position], None]
"""Keeps durably where a partition starts from now on, or raises
LogUnavailable.
"""

_log = logs.get("angarium.engines.kafka")


class KafkaLogConsumer:
    """A LogConsumer in a consumer group, owned by a single thread.

    Partitions are assigned cooperative-sticky.
    """

    def __init__(
        self,
        connection: KafkaConnectionSettings,
        topic: str,
        group: str,
        clock: Clock | None = None,
        max_poll_records: int = MAX_POLL_RECORDS,
        verify: Callable[[], None] | None = None,
        instance: str = "worker",
        log_starts: AskStarts = dict,
        keep_log_start: KeepStart = lambda *_: None,
    ) -> None:
        """Keep the settings; the first poll connects.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that is read.
            group: The consumer group that is joined.
            clock: Of all timeouts; the system's when None.
            max_poll_records: Maximum number of records of one poll.
            verify: Called before each connection; it raises
                LogUnavailable to prevent it.
            instance: The name that the group's description shows.
            log_starts: Returns where partitions start for which the
                group has committed nothing, instead of `BEGINNING`
                (docs/adr/0027); it raises LogUnavailable while that is
                not known.
            keep_log_start: Called before a partition whose log was lost
                starts again, so that its watermark is known even to a
                group without a commit; it raises LogUnavailable while
                that is not certain.
        """
        self._connection = connection
        self._topic = topic
        self._group = group
        self._clock = clock or SystemClock()
        self._max_poll_records = max_poll_records
        self._verify = verify
        self._instance = instance
        self._log_starts = log_starts
        self._keep_log_start = keep_log_start
        self._rebalances = Rebalances()
        self._assignments = AssignmentTracker()
        self._missing: dict[int, int] = {}
        self._client: GroupClient | None = None
        self._member = ""
        self._paused = False
        self._closed = False
        self._last_contact_at = self._clock.monotonic()

    def poll(self, timeout_s: float) -> PollResult:
        """Implements `LogConsumer.poll`."""
        expires_at = self._clock.monotonic() + timeout_s
        while not self._closed:
            client = self._connect()
            left = max(0.0, expires_at - self._clock.monotonic())
            records = self._poll_records(client, min(left, SLICE_S))
            failure = self._start_partitions(client)
            lost, gained = self._assignments.drain_changes()
            if lost or gained or records:
                return PollResult(lost, gained, records)
            self._raise_if_disconnected(client, failure)
            if left <= SLICE_S:
                break
        return PollResult()

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        """Implements `LogConsumer.commit`, with watermarks."""
        ahead = self._assignments.ahead(positions)
        if not ahead or self._client is None:
            return
        client = self._client
        offsets = {
            assignment.partition: to_commit(position, client.leader_epoch(assignment.partition))
            for assignment, position in ahead.items()
        }
        try:
            client.commit(offsets)
        except CLIENT_ERRORS as error:
            if not is_refused_for_good(error):
                raise unavailable("the commit is not certain", error) from error
            _log.warning(
                "commit_refused",
                str(error),
                error_type=type(error).__name__,
                partitions=sorted(offsets),
            )
            self._restart(client, offsets)
            return
        self._assignments.record_committed(ahead)

    def pause(self) -> None:
        """Implements `LogConsumer.pause`."""
        self._paused = True
        if self._client is not None:
            self._client.pause(self._assignments.held)

    def resume(self) -> None:
        """Implements `LogConsumer.resume`."""
        self._paused = False
        if self._client is not None:
            self._client.resume(self._assignments.held)

    def close(self) -> None:
        """Implements `LogConsumer.close`, within 5 s."""
        self._closed = True
        self._disconnect()

    def _connect(self) -> GroupClient:
        """Return the connected client; connect when there is none."""
        if self._client is None:
            if self._verify is not None:
                self._verify()
            # One that was closed may still report what it gives up.
            self._rebalances = Rebalances()
            self._client = GroupClient(
                self._connection, self._topic, self._group, self._rebalances, self._instance
            )
            self._member = ""
            self._last_contact_at = self._clock.monotonic()
        return self._client

    def _disconnect(self) -> None:
        """Leave the group and end all assignments."""
        client, self._client = self._client, None
        if client is not None:
            client.close()
        for partition in (*self._assignments.held, *self._assignments.starting):
            self._assignments.revoke(partition)

    def _poll_records(
        self, client: GroupClient, seconds: float
    ) -> dict[Assignment, Sequence[Record]]:
        """Return the records of one poll, by assignment."""
        try:
            found = client.poll(seconds, self._max_poll_records)
        except CLIENT_ERRORS as error:
            self._apply_rebalances(client)
            # Otherwise records that the library had taken out before it
            # failed would be skipped.
            self._restart(client, self._assignments.held)
            self._replace_if_failing_for_long()
            raise unavailable("the poll failed", error) from error
        self._apply_rebalances(client)
        self._restart_missing(client)
        records: dict[Assignment, Sequence[Record]] = {}
        for partition, batch in found.items():
            assignment = self._assignments.assignment(partition)
            if assignment is not None:
                records[assignment] = batch
        return records

    def _apply_rebalances(self, client: GroupClient) -> None:
        """Take in what the group has revoked and assigned."""
        for rebalance in self._rebalances.read():
            for partition in rebalance.revoked:
                self._assignments.revoke(partition)
                self._missing.pop(partition, None)
            for partition in rebalance.assigned:
                self._assignments.assign(partition)
                self._missing.pop(partition, None)
        member = client.member
        # A member that was removed has no id at first, for one poll or
        # for many.
        if not member or member == self._member:
            return
        if self._member:
            # Removed and joined again: the library may have kept
            # partitions without reporting it.
            self._restart(client, self._assignments.held)
        self._member = member

    def _restart_missing(self, client: GroupClient) -> None:
        """Restart partitions whose next record the log has lost."""
        for partition, offset in client.take_missing().items():
            if self._assignments.assignment(partition) is not None:
                self._missing[partition] = offset
                self._assignments.restart(partition)

    def _restart(
        self, client: GroupClient, partitions: Mapping[int, object] | Sequence[int]
    ) -> None:
        """Pause partitions; restart them at committed positions."""
        client.pause(list(partitions))
        for partition in list(partitions):
            self._assignments.restart(partition)

    def _start_partitions(self, client: GroupClient) -> Exception | None:
        """Return the error that kept partitions from starting, if any.

        Asks for the position of each starting partition and lets its
        records flow.
        """
        expires_at = self._clock.monotonic() + START_S
        unknown: LogUnavailable | None = None

        def log_starts() -> Mapping[int, Position]:
            """Ask the store, unless it has just not answered."""
            if unknown is not None:
                # Each question takes its whole time limit.
                raise unknown
            return self._log_starts()

        # Partitions that need more than the group's coordinator come
        # last: a single broker may be away.
        for partition in sorted(self._assignments.starting, key=self._missing.__contains__):
            if unknown is not None and partition in self._missing:
                # It may have to ask the store as well.
                continue
            seconds = max(0.1, expires_at - self._clock.monotonic())
            try:
                self._start(client, partition, log_starts, seconds)
            except CLIENT_ERRORS as error:
                return error
            except LogUnavailable as error:
                # The store does not say where this one starts; most
                # partitions have a commit and need not ask.
                unknown = error
        return unknown

    def _start(
        self, client: GroupClient, partition: int, log_starts: AskStarts, seconds: float
    ) -> None:
        """Start a partition at its position."""
        committed = client.committed(partition, seconds)
        position = self._starting_position(partition, from_commit(committed), log_starts)
        epoch = UNKNOWN_EPOCH
        if partition in self._missing:
            position = self._restart_at_first_offset(client, partition, position, seconds)
        elif committed is not None and committed.offset == position.offset:
            epoch = committed.leader_epoch
        client.seek(partition, position.offset, epoch)
        if not self._paused:
            client.resume([partition])
        self._assignments.start(partition, position)
        self._missing.pop(partition, None)

    def _starting_position(
        self, partition: int, committed: Position | None, log_starts: AskStarts
    ) -> Position:
        """Return where to start; log an offset without a watermark."""
        if committed is None:
            _log.error(
                "watermark_missing",
                "The committed offset has no watermark; the partition is read from its beginning.",
                None,
                partition=partition,
            )
        elif committed != BEGINNING:
            return committed
        return log_starts().get(partition, BEGINNING)

    def _restart_at_first_offset(
        self, client: GroupClient, partition: int, committed: Position, seconds: float
    ) -> Position:
        """Return the first position that the log has; commit it."""
        missing_offset = self._missing[partition]
        first, end = client.extent(partition, seconds)
        position = Position(first, committed.watermark)
        if committed.offset == BEGINNING.offset and missing_offset == BEGINNING.offset:
            return position
        if missing_offset >= first:
            # Offsets that start again no longer order two records of
            # the same millisecond: the next ones get a later one.
            position = Position(first, committed.watermark + 1)
            self._keep_log_start(partition, position)
        # At once: after the log has grown past the old offset, nothing
        # would show any more that the records are others.
        client.commit({partition: to_commit(position)})
        _log.error(
            "records_missing",
            "The log has lost the next records; the partition is read from its first offset.",
            None,
            partition=partition,
            offset=missing_offset,
            first_offset=first,
            last_offset=end - 1,
        )
        return position

    def _raise_if_disconnected(self, client: GroupClient, failure: Exception | None) -> None:
        """Raise LogUnavailable after a while without a broker.

        At once if it is the store that does not answer.
        """
        if client.is_connected and not isinstance(failure, CLIENT_ERRORS):
            # To leave the group would help nobody.
            self._last_contact_at = self._clock.monotonic()
            if failure is not None:
                raise failure
            return
        if self._clock.monotonic() - self._last_contact_at < DISCONNECTED_S:
            return
        self._replace_if_failing_for_long()
        if failure is not None:
            raise unavailable("the position to start at could not be read", failure) from failure
        raise LogUnavailable(f"no connection to Kafka at {self._connection}")

    def _replace_if_failing_for_long(self) -> None:
        """Disconnect after REPLACE_S; the next poll connects."""
        if self._clock.monotonic() - self._last_contact_at > REPLACE_S:
            self._disconnect()
