"""Reading a topic without a group, as workers see it."""

import time
from collections import deque
from collections.abc import Mapping, Sequence

import kafka
from kafka.structs import TopicPartition

from angarium.deadline import remaining
from angarium.domain.errors import LogUnavailable, WrongTopic
from angarium.engines.kafka.connection import (
    CONSUMER_OPTIONS,
    ClientFactory,
    KafkaConnectionSettings,
    find_topic,
)
from angarium.engines.kafka.errors import CLIENT_ERRORS, unavailable
from angarium.engines.kafka.lost_records import LOST
from angarium.engines.kafka.patches.fetcher import TolerantFetcher
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.topics import other_partitions
from angarium.ports.log_inspection import MAX_BYTES_AT_ONCE, OffsetRange
from angarium.ports.message_log import Record

CALL_S = 5.0
"""Maximum time of one call, if no deadline ends sooner."""

_POLL_RECORDS = 2_000
"""Maximum records that are decoded and not yet given out. The size of a
fetch bounds them first, for topics keep nothing compressed; with 500 a
record took a quarter more CPU.
"""

_POLL_S = 0.5
"""Maximum time of one of the library's polls, which a call repeats."""

_OPTIONS: Mapping[str, object] = {
    **CONSUMER_OPTIONS,
    "client_id": "angarium-reader",
    "group_id": None,
    "auto_offset_reset": "none",  # the first offset is looked up, for it may move
    "fetch_max_bytes": MAX_BYTES_AT_ONCE,
    "max_partition_fetch_bytes": MAX_BYTES_AT_ONCE,
    # The library fetches ahead; at the end of a partition the next
    # partition's fetch would wait for this one.
    "fetch_max_wait_ms": 20,
}


class TopicReader:
    """Reads one partition at a time, forward; owned by one thread.

    It connects at the first call. A call that goes on where the one
    before ended costs no request of its own.
    """

    def __init__(self, connection: KafkaConnectionSettings, topic: str, partitions: int) -> None:
        """Keep what to read.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic's name.
            partitions: The partition count that it must have.
        """
        self._connection = connection
        self._topic = topic
        self._partitions = partitions
        self._consumer: kafka.KafkaConsumer | None = None
        self._fetched: deque[Record] = deque()
        self._next: tuple[int, int] | None = None
        self._end = 0

    def ranges(self) -> Sequence[OffsetRange]:
        """Return which offsets each partition has.

        Returns:
            By partition; an end is the first offset that an open
            transaction may still take back.

        Raises:
            LogUnavailable: Kafka does not answer in time.
        """
        expires_at = time.monotonic() + remaining(CALL_S)
        try:
            consumer = self._connect(expires_at)
            names = [self._name(partition) for partition in range(self._partitions)]
            firsts = consumer.beginning_offsets(names, timeout_ms=_left_ms(expires_at))
            ends = consumer.end_offsets(names, timeout_ms=_left_ms(expires_at))
        except CLIENT_ERRORS as error:
            raise unavailable("the offsets could not be read", error) from error
        return [OffsetRange(firsts[name], ends[name]) for name in names]

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """Read the next records of a partition; see `LogInspector`.

        Args:
            partition: As there.
            offset: As there.
            limit: As there.

        Returns:
            As there.

        Raises:
            LogUnavailable: Kafka does not answer in time.
        """
        expires_at = time.monotonic() + remaining(CALL_S)
        try:
            if self._next != (partition, offset):
                self._seek(partition, offset, expires_at)
            if not self._fetched:
                self._fetch(partition, offset, expires_at)
        except CLIENT_ERRORS as error:
            # What the library has taken out and not returned would be
            # skipped.
            self._next = None
            raise unavailable("the log could not be read", error) from error
        except LogUnavailable:
            self._next = None
            raise
        return self._take(partition, limit)

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _connect(self, expires_at: float) -> kafka.KafkaConsumer:
        """Return the consumer; at first connect and find the topic."""
        if self._consumer is not None:
            return self._consumer
        factory = ClientFactory(NetworkClient)
        options = {**_OPTIONS, **self._connection.options()}
        consumer = factory.connect(
            self._connection, lambda: kafka.KafkaConsumer(kafka_client=factory.make, **options)
        )
        try:
            TolerantFetcher.take_over(consumer)
            consumer.assign([self._name(0)])
            found = find_topic(factory.client, self._topic, _left_ms(expires_at) / 1000)
            self._require_partitions(found)
        except BaseException:
            consumer.close(autocommit=False, timeout_ms=1_000)
            raise
        self._consumer = consumer
        return consumer

    def _require_partitions(self, found: int) -> None:
        """Refuse a topic with another partition count."""
        if found != self._partitions:
            raise WrongTopic(other_partitions(self._topic, found, self._partitions))

    def _seek(self, partition: int, offset: int, expires_at: float) -> None:
        """Go to an offset, or to the first one if that is later."""
        consumer, name = self._connect(expires_at), self._name(partition)
        self._fetched.clear()
        first = consumer.beginning_offsets([name], timeout_ms=_left_ms(expires_at))[name]
        if consumer.assignment() != {name}:
            consumer.assign([name])
        consumer.seek(name, max(first, offset))
        self._next = partition, offset
        self._end = 0

    def _fetch(self, partition: int, offset: int, expires_at: float) -> None:
        """Fetch the next records; none only at the partition's end.

        Markers of transactions and records that were taken back move
        the position without a record.
        """
        consumer, name = self._connect(expires_at), self._name(partition)
        while True:
            position = consumer.position(name, timeout_ms=_left_ms(expires_at))
            if position >= self._end:
                ends = consumer.end_offsets([name], timeout_ms=_left_ms(expires_at))
                self._end = ends[name]
                if position >= self._end:
                    return
            wait_ms = min(round(_POLL_S * 1000), _left_ms(expires_at))
            try:
                found = consumer.poll(timeout_ms=wait_ms, max_records=_POLL_RECORDS)
            except LOST:
                # Retention was faster.
                self._seek(partition, max(position, offset), expires_at)
                continue
            if found:
                self._fetched.extend(found[name])
                return

    def _take(self, partition: int, limit: int) -> Sequence[Record]:
        """Give out fetched records, up to the limits of one read."""
        taken: list[Record] = []
        room = MAX_BYTES_AT_ONCE
        while self._fetched and len(taken) < limit:
            room -= len(self._fetched[0].value or b"")
            if room < 0 and taken:
                break
            taken.append(self._fetched.popleft())
        if taken:
            self._next = partition, taken[-1].offset + 1
        return taken

    def _name(self, partition: int) -> TopicPartition:
        """Return the library's name of a partition."""
        return TopicPartition(self._topic, partition)


def _left_ms(expires_at: float) -> int:
    """Return the milliseconds that are left, or raise if none are."""
    left = expires_at - time.monotonic()
    if left <= 0:
        raise LogUnavailable("Kafka did not answer in time")
    return max(1, round(left * 1000))
