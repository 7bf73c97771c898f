"""The part of kafka-python's consumer that this engine uses."""

from collections.abc import Collection, Mapping, Sequence

import kafka
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium import logs
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.assignments import Rebalances
from angarium.engines.kafka.connection import (
    CONSUMER_OPTIONS,
    ClientFactory,
    KafkaConnectionSettings,
    find_topic,
)
from angarium.engines.kafka.errors import CLIENT_ERRORS
from angarium.engines.kafka.lost_records import LOST, lost_positions
from angarium.engines.kafka.patches import position
from angarium.engines.kafka.patches.coordinator import JoinKeepingCoordinator
from angarium.engines.kafka.patches.fetcher import TolerantFetcher
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.ports.message_log import BEGINNING, Record
from angarium.threads import NamedThread

SESSION_MS = 10_000
"""The session timeout: a worker that is silent for this long loses its
partitions (docs/adr/0017).
"""

FETCH_BYTES = 4 * 1024 * 1024
"""Maximum bytes of one answer of a broker; the library's default, 50
MiB, alone is a quarter of the memory that a worker may use.
"""

PARTITION_FETCH_BYTES = 256 * 1024
"""The same for one partition: what is fetched and not polled yet waits
in memory, this much for each partition. A longer record comes alone.
"""

_OPTIONS: Mapping[str, object] = {
    **CONSUMER_OPTIONS,
    "partition_assignment_strategy": [CooperativeStickyAssignor],
    "auto_offset_reset": "none",  # this engine decides where to go on, and logs it
    "fetch_max_bytes": FETCH_BYTES,
    "max_partition_fetch_bytes": PARTITION_FETCH_BYTES,
    "session_timeout_ms": SESSION_MS,
    "heartbeat_interval_ms": 1_000,  # also how long a member may take to learn of a rebalance
    # Also how long a rebalance waits for a member that does not poll.
    # Workers poll every 0.2 s.
    "max_poll_interval_ms": 60_000,
}
_FIND_S = 1.0
"""Maximum wait for the topic's metadata: two answers of a broker."""

_COMMIT_MS = 2_000
"""Maximum time of a commit, the bound of all requests to engines."""

_LEAVE_MS = 3_000
"""Maximum time for leaving the group; closing may take 5 s."""

_CLOSE_S = 4.5
"""Maximum wait for the library to close, within the same 5 s."""

_log = logs.get("angarium.engines.kafka")


class GroupClient:
    """A member of a consumer group on one topic.

    Owned by a single thread.
    """

    def __init__(
        self,
        connection: KafkaConnectionSettings,
        topic: str,
        group: str,
        rebalances: Rebalances,
        instance: str,
    ) -> None:
        """Connect, within 2 s; the group is joined by polling.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that is read.
            group: The consumer group.
            rebalances: Collects what is assigned and revoked.
            instance: The client id, by which others recognise it.

        Raises:
            LogUnavailable: No broker answers, or there is no such
                topic.
        """
        self._topic = topic
        self._factory = ClientFactory(NetworkClient)
        self._consumer = self._factory.connect(
            connection,
            lambda: kafka.KafkaConsumer(
                group_id=group,
                client_id=instance,
                kafka_client=self._factory.make,
                **_OPTIONS,
                **connection.options(),
            ),
        )
        JoinKeepingCoordinator.take_over(self._consumer)
        TolerantFetcher.take_over(self._consumer)
        self._missing: dict[int, int] = {}
        rebalances.on_assigned = self._pause_until_started
        self._consumer.subscribe([topic], listener=rebalances)
        try:
            find_topic(self._factory.client, topic, _FIND_S)
        except LogUnavailable:
            self.close()
            raise

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection to any broker."""
        return self._factory.client.has_connection()

    @property
    def member(self) -> str:
        """The id of this member in the group.

        Empty before joining; a new one after the group has removed the
        member.
        """
        return str(self._consumer.group_metadata().member_id or "")

    def poll(self, seconds: float, records: int) -> Mapping[int, Sequence[Record]]:
        """Wait for records, stay in the group, take part in rebalances.

        Args:
            seconds: Maximum wait.
            records: Maximum number of records.

        Returns:
            The records by partition.
        """
        try:
            found = self._consumer.poll(timeout_ms=round(seconds * 1000), max_records=records)
        except LOST as error:
            self._note_missing(lost_positions(error, self._position))
            return {}
        return {each.partition: batch for each, batch in found.items()}

    def take_missing(self) -> Mapping[int, int]:
        """Return the partitions whose next record the log has lost.

        They are paused, and returned once.

        Returns:
            The offsets that were to be read next, by partition.
        """
        missing, self._missing = self._missing, {}
        return missing

    def extent(self, partition: int, seconds: float) -> tuple[int, int]:
        """Return which offsets a partition has.

        Args:
            partition: Its number.
            seconds: Maximum wait for each of two requests.

        Returns:
            The offset of its first record, and the one that its next
            record will get.
        """
        topic_partition, bound = self._topic_partition(partition), round(seconds * 1000)
        first = self._consumer.beginning_offsets([topic_partition], timeout_ms=bound)[
            topic_partition
        ]
        return first, self._consumer.end_offsets([topic_partition], timeout_ms=bound)[
            topic_partition
        ]

    def committed(self, partition: int, seconds: float) -> OffsetAndMetadata | None:
        """Return what the group has committed for a partition.

        Args:
            partition: Its number.
            seconds: Maximum wait.

        Returns:
            The offset with its metadata; None when there is none.
        """
        # The consumer's own refresh of committed offsets would drop the
        # metadata.
        return self._consumer.committed(
            self._topic_partition(partition), metadata=True, timeout_ms=round(seconds * 1000)
        )

    def commit(self, offsets: Mapping[int, OffsetAndMetadata]) -> None:
        """Commit offsets, within 2 s.

        Args:
            offsets: By partition.
        """
        positions = {
            self._topic_partition(partition): offset for partition, offset in offsets.items()
        }
        self._consumer.commit(positions, timeout_ms=_COMMIT_MS)

    def seek(self, partition: int, offset: int, epoch: int) -> None:
        """Choose the next record of a partition.

        Args:
            partition: Its number.
            offset: The record's offset.
            epoch: The leader epoch that was committed with it. The
                leader is asked first whether its log was cut off before
                the offset; UNKNOWN_EPOCH asks nothing.
        """
        position.seek(self._consumer, self._topic_partition(partition), offset, epoch)

    def leader_epoch(self, partition: int) -> int:
        """Return the leader epoch of what was polled last.

        Args:
            partition: Its number.

        Returns:
            The epoch; UNKNOWN_EPOCH when there is none.
        """
        return position.leader_epoch(self._consumer, self._topic_partition(partition))

    def pause(self, partitions: Collection[int]) -> None:
        """Stop the flow of records.

        Args:
            partitions: Those that are not assigned here are ignored.
        """
        self._consumer.pause(*self._assigned_here(partitions))

    def resume(self, partitions: Collection[int]) -> None:
        """Let records flow again.

        Args:
            partitions: Those that are not assigned here are ignored.
        """
        self._consumer.resume(*self._assigned_here(partitions))

    def close(self) -> None:
        """Leave the group and close, within 5 s; never raise."""
        # The library waits for its own thread without a time limit.
        closing = NamedThread(target=self._close, name="kafka-leave", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            _log.warning("kafka_leave_slow", f"The consumer has not ended within {_CLOSE_S:g} s.")

    def _pause_until_started(self, partitions: Collection[TopicPartition]) -> None:
        """Pause new partitions at an offset that is never read.

        No record may flow before the partition's watermark is known.
        The library asks for positions that were not chosen when the
        listener returns, and raises where the group has none.
        """
        self._consumer.pause(*partitions)
        for topic_partition in partitions:
            self._consumer.seek(topic_partition, BEGINNING.offset)

    def _note_missing(self, positions: Mapping[TopicPartition, int]) -> None:
        """Note what the log has lost; polling it is useless."""
        lost = {lost.partition: offset for lost, offset in positions.items()}
        self.pause(lost)
        self._missing |= lost

    def _position(self, topic_partition: TopicPartition) -> int | None:
        """Return the next offset; None for a revoked partition."""
        if topic_partition not in (self._consumer.assignment() or ()):
            return None
        return int(self._consumer.position(topic_partition, timeout_ms=0))

    def _close(self) -> None:
        """Close the library's consumer; runs on a thread of its own."""
        try:
            self._consumer.close(autocommit=False, timeout_ms=_LEAVE_MS)
        except CLIENT_ERRORS as error:
            _log.warning("kafka_leave_failed", str(error), error_type=type(error).__name__)

    def _assigned_here(self, partitions: Collection[int]) -> list[TopicPartition]:
        """Return those assigned here; others raise KeyError."""
        assigned = self._consumer.assignment() or set()
        return [each for each in map(self._topic_partition, partitions) if each in assigned]

    def _topic_partition(self, partition: int) -> TopicPartition:
        """Return the library's name of a partition."""
        return TopicPartition(self._topic, partition)
