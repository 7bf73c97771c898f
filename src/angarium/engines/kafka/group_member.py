"""kafka-python's consumer, with what the engine asks of it and nothing
else.
"""

from collections.abc import Collection, Mapping, Sequence

import kafka
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium import logs
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.assignments import Rebalances
from angarium.engines.kafka.connection import (
    RECONNECT_MS,
    ClientFactory,
    KafkaConnectionSettings,
    find_topic,
)
from angarium.engines.kafka.errors import CLIENT_ERRORS
from angarium.engines.kafka.lost_records import LOST, lost_positions
from angarium.engines.kafka.patches.coordinator import JoinKeepingCoordinator
from angarium.engines.kafka.patches.fetcher import TolerantFetcher
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.ports.message_log import BEGINNING, Record
from angarium.threads import NamedThread

SESSION_MS = 10_000
"""A worker that is silent for so long has lost its partitions."""

FETCH_BYTES = 4 * 1024 * 1024
"""Bytes of one answer of a broker; the library's own bound, 50 MiB,
alone is a quarter of what a worker may take in memory."""

PARTITION_FETCH_BYTES = 256 * 1024
"""The same of one partition: what is fetched and not given out yet
waits in memory, for each partition as much. A longer record comes
alone.
"""

_OPTIONS: Mapping[str, object] = {
    "client_id": "angarium",
    "partition_assignment_strategy": [CooperativeStickyAssignor],
    "auto_offset_reset": "none",  # where to go on is ours to say, and to tell of
    "isolation_level": "read_committed",  # what another producer aborted was never said
    "enable_auto_commit": False,
    "fetch_max_bytes": FETCH_BYTES,
    "max_partition_fetch_bytes": PARTITION_FETCH_BYTES,
    "session_timeout_ms": SESSION_MS,
    "heartbeat_interval_ms": 1_000,  # also how long a member may take to learn of a rebalance
    # Also how long a rebalance waits for a member that does not poll;
    # workers poll every 0.2 s.
    "max_poll_interval_ms": 60_000,
    "request_timeout_ms": 5_000,
    "retry_backoff_ms": 100,
    "reconnect_backoff_ms": 50,
    "reconnect_backoff_max_ms": RECONNECT_MS,
    "bootstrap_timeout_ms": 1_500,
    "metadata_max_age_ms": 60_000,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}
_FIND_SECONDS = 1.0
_COMMIT_MS = 2_000
_LEAVE_MS = 3_000
_CLOSE_SECONDS = 4.5

_log = logs.get("angarium.kafka")


class GroupClient:
    """A member of a consumer group on one topic; owned by a single
    thread.
    """

    def __init__(
        self, connection: KafkaConnectionSettings, topic: str, group: str, rebalances: Rebalances
    ) -> None:
        """Connect, within 2 s; the group is joined by polling.

        Args:
            connection: Where the brokers are.
            topic: Which topic.
            group: Which group.
            rebalances: Is told of what is given and taken.

        Raises:
            LogUnavailable: No broker answers, or there is no such
                topic.
        """
        self._topic = topic
        self._factory = ClientFactory(NetworkClient)
        self._consumer = self._factory.connect(
            connection,
            lambda: kafka.KafkaConsumer(
                group_id=group, kafka_client=self._factory.make, **_OPTIONS, **connection.options()
            ),
        )
        JoinKeepingCoordinator.take_over(self._consumer)
        TolerantFetcher.take_over(self._consumer)
        self._missing: dict[int, int] = {}
        rebalances.on_assigned = self._pause_until_started
        self._consumer.subscribe([topic], listener=rebalances)
        try:
            find_topic(self._factory.client, topic, _FIND_SECONDS)
        except LogUnavailable:
            self.close()
            raise

    @property
    def in_touch(self) -> bool:
        """Whether a connection to any broker stands."""
        return self._factory.client.has_connection()

    @property
    def member(self) -> str:
        """Our id in the group; empty before joining, another one after
        having been thrown out.
        """
        return str(self._consumer.group_metadata().member_id or "")

    def poll(self, seconds: float, records: int) -> Mapping[int, Sequence[Record]]:
        """Wait for records, keep the membership alive, take part in
        rebalances.

        Args:
            seconds: How long.
            records: How many at most.

        Returns:
            The records by partition.
        """
        try:
            found = self._consumer.poll(timeout_ms=round(seconds * 1000), max_records=records)
        except LOST as error:
            self._note_missing(lost_positions(error, self._position))
            return {}
        return {each.partition: batch for each, batch in found.items()}

    def missing(self) -> Mapping[int, int]:
        """Tell once which partitions' logs have lost what is to be read
        next; they are paused.

        Returns:
            The offsets that were to be read, by partition.
        """
        missing, self._missing = self._missing, {}
        return missing

    def extent(self, partition: int, seconds: float) -> tuple[int, int]:
        """Ask what a partition has.

        Args:
            partition: Which.
            seconds: How long it may take, twice.

        Returns:
            The offset of its first record, and the one that its next
            record will have.
        """
        topic_partition, bound = self._topic_partition(partition), round(seconds * 1000)
        first = self._consumer.beginning_offsets([topic_partition], timeout_ms=bound)[
            topic_partition
        ]
        return first, self._consumer.end_offsets([topic_partition], timeout_ms=bound)[
            topic_partition
        ]

    def committed(self, partition: int, seconds: float) -> OffsetAndMetadata | None:
        """Ask what the group has committed.

        Args:
            partition: Of which partition.
            seconds: How long it may take.

        Returns:
            The offset with its metadata, None when there is none.
        """
        # The consumer's own refresh of committed offsets would drop the
        # metadata.
        return self._consumer.committed(
            self._topic_partition(partition), metadata=True, timeout_ms=round(seconds * 1000)
        )

    def commit(self, offsets: Mapping[int, OffsetAndMetadata]) -> None:
        """Commit, within 2 s.

        Args:
            offsets: By partition.
        """
        positions = {
            self._topic_partition(partition): offset for partition, offset in offsets.items()
        }
        self._consumer.commit(positions, timeout_ms=_COMMIT_MS)

    def seek(self, partition: int, offset: int) -> None:
        """Choose the next record of a partition.

        Args:
            partition: Which.
            offset: The record's.
        """
        self._consumer.seek(self._topic_partition(partition), offset)

    def pause(self, partitions: Collection[int]) -> None:
        """Hold records back.

        Args:
            partitions: Of which partitions; ones that are not ours are
                passed over.
        """
        self._consumer.pause(*self._assigned_here(partitions))

    def resume(self, partitions: Collection[int]) -> None:
        """Let records flow.

        Args:
            partitions: Of which partitions; ones that are not ours are
                passed over.
        """
        self._consumer.resume(*self._assigned_here(partitions))

    def close(self) -> None:
        """Leave the group and let go of everything, within 5 s; never
        raises.
        """
        # The library waits for its own thread without a bound.
        closing = NamedThread(target=self._close, name="kafka-leave", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
        if closing.is_alive():
            _log.warning(
                "kafka_leave_slow", f"The consumer has not ended in {_CLOSE_SECONDS:g} s."
            )

    def _pause_until_started(self, partitions: Collection[TopicPartition]) -> None:
        # A partition that was just given must not flow before its
        # watermark is known. The library asks for positions that are
        # not chosen when it is done, and raises where the group has
        # none.
        self._consumer.pause(*partitions)
        for topic_partition in partitions:
            self._consumer.seek(topic_partition, BEGINNING.offset)

    def _note_missing(self, positions: Mapping[TopicPartition, int]) -> None:
        """Note what is not there any more; nothing would come of asking
        again.
        """
        lost = {lost.partition: offset for lost, offset in positions.items()}
        self.pause(lost)
        self._missing |= lost

    def _position(self, topic_partition: TopicPartition) -> int | None:
        """Return the offset that is read next, None when the partition
        is not ours any more.
        """
        if topic_partition not in (self._consumer.assignment() or ()):
            return None
        return int(self._consumer.position(topic_partition, timeout_ms=0))

    def _close(self) -> None:
        try:
            self._consumer.close(autocommit=False, timeout_ms=_LEAVE_MS)
        except CLIENT_ERRORS as error:
            _log.warning("kafka_leave_failed", str(error), error_type=type(error).__name__)

    def _assigned_here(self, partitions: Collection[int]) -> list[TopicPartition]:
        # The library raises KeyError for a partition that is not
        # assigned.
        assigned = self._consumer.assignment() or set()
        return [each for each in map(self._topic_partition, partitions) if each in assigned]

    def _topic_partition(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)
