"""The log on Kafka: appending records without blocking."""

from collections.abc import Callable
from concurrent.futures import Future

from angarium import deadline
from angarium.clock import Clock, SystemClock
from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.kafka.circuit_breaker import CircuitBreaker
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.errors import unavailable
from angarium.engines.kafka.pending_appends import PendingAppends
from angarium.engines.kafka.producer_supervisor import ProducerSupervisor
from angarium.engines.kafka.topic_producer import TopicProducer
from angarium.ports.message_log import Appended, NewRecord

MAX_PENDING_RECORDS = 4_096
"""Maximum records that wait for Kafka: those of about 1,000 requests,
and those that timed out and are still in the library.
"""

_CHECK_S = 1.0
"""Maximum time of a check, as the port promises."""


class TopicWriter:
    """Sends records to a topic; used by any thread, never blocks."""

    def __init__(
        self,
        connect: Callable[[], TopicProducer],
        partitions: int,
        clock: Clock | None = None,
        limit: int = MAX_PENDING_RECORDS,
    ) -> None:
        """Start to connect, without waiting for it.

        Args:
            connect: Creates a producer for the topic, or raises
                LogUnavailable or SetupError.
            partitions: The topic's partition count.
            clock: Of all timeouts; the system's when None.
            limit: Maximum number of records that wait for Kafka.
        """
        clock = clock or SystemClock()
        self._breaker = CircuitBreaker(partitions, clock)
        self._pending = PendingAppends(partitions, limit, self._breaker, clock)
        self._supervisor = ProducerSupervisor(
            connect, self._breaker.failing_for, self._breaker.reset
        )

    def append(
        self,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> "Future[Appended]":
        """Send a record.

        Args:
            partition: The record's partition.
            key: The record's key.
            value: The record's value; key or value must not be None.
            headers: The record's headers.

        Returns:
            A future of its position. It fails with LogUnavailable
            within BOUND_S, or with RecordTooLarge when the topic
            accepts no record of its size.

        Raises:
            RecordTooLarge: At once: no topic accepts a record of its
                size.
            LogUnavailable: At once: there is no connection, too many
                records wait already, or the partition has just failed
                to answer.
        """
        producer = self._supervisor.live
        if not self._breaker.allows(partition, self._pending.count_waiting(partition)):
            raise LogUnavailable(f"partition {partition} has just failed to answer")
        pending = self._pending.begin(partition, len(key or b"") + len(value or b""))
        try:
            producer.send(pending, key, value, headers)
        except Exception as error:
            # The record is counted and the library never had it, so
            # only this code can end it.
            self._pending.completed(pending, error)
            if isinstance(error, LogUnavailable):
                pending.give_up(error)
                raise
            failure = unavailable("the record could not be sent", error)
            pending.give_up(failure)
            raise failure from error
        return pending.future

    def idle_hint(self) -> None:
        """Pass on that no more records come soon; never block."""
        self._supervisor.idle_hint()

    def check(self) -> None:
        """Check that the topic can be written now.

        It takes at most 1 s, or the time until the deadline in force.

        Raises:
            LogUnavailable: It cannot be written.
        """
        with deadline.within(_CHECK_S):
            self._supervisor.wait_until_tried(deadline.remaining(_CHECK_S))
            self._supervisor.live.check()

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the producer's first connection.

        Args:
            seconds: Maximum wait.

        Raises:
            LogUnavailable: There is no connection.
        """
        self._supervisor.wait_until_made(seconds)
        _ = self._supervisor.live

    def close(self) -> None:
        """Send what is left and close, within 8 s; safe to repeat."""
        self._supervisor.close()
        self._pending.close()


class KafkaLog:
    """A MessageLog on a topic (docs/adr/0015).

    An acknowledged record is on all replicas that are in sync with the
    leader (acks=all), at least `min.insync.replicas` of them. The
    partition is chosen here, in the way that Kafka's own clients do by
    default (docs/adr/0014).
    """

    def __init__(
        self,
        connection: KafkaConnectionSettings,
        topic: str,
        partitions: int,
        clock: Clock | None = None,
        limit: int = MAX_PENDING_RECORDS,
        verify: Callable[[], None] | None = None,
    ) -> None:
        """Start to connect; until then appends fail at once.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that is written.
            partitions: The partition count that it must have.
            clock: Of all timeouts; the system's when None.
            limit: Maximum number of records that wait for Kafka.
            verify: Called before each connection; it raises SetupError
                or LogUnavailable to prevent it.
        """
        self._partitions = partitions

        def connect() -> TopicProducer:
            """Return a producer, once the topic is verified."""
            if verify is not None:
                verify()
            return TopicProducer.connect(connection, topic, partitions)

        self._writer = TopicWriter(connect, partitions, clock, limit)

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Implements `MessageLog.append`, within 2 s."""
        headers = [(name, text.encode()) for name, text in record.headers.items()]
        return self._writer.append(
            partition_for(record.key, self._partitions), record.key, record.value, headers
        )

    def idle_hint(self) -> None:
        """Hint that no more records come for the moment; never block.

        Records that linger for others are then sent soon. It is
        optional and no part of `MessageLog`: without hints no record
        lingers longer than LINGER_MS, and nothing that is promised
        changes (docs/adr/0022).
        """
        self._writer.idle_hint()

    def check(self) -> None:
        """Implements `MessageLog.check` for every partition."""
        self._writer.check()

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the producer's first connection.

        Args:
            seconds: Maximum wait.

        Raises:
            LogUnavailable: There is no connection.
        """
        self._writer.wait_until_connected(seconds)

    def close(self) -> None:
        """Send what waits and close, within 8 s; safe to repeat."""
        self._writer.close()
