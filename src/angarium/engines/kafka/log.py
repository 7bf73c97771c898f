"""The log's writing half on Kafka."""

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
"""Records held for Kafka at most: those of some 1,000 requests, and
what was given up.
"""

_CHECK_SECONDS = 1.0


class TopicWriter:
    """Sends records to a topic; used by any thread, never blocks the
    caller.
    """

    def __init__(
        self,
        connect: Callable[[], TopicProducer],
        partitions: int,
        clock: Clock | None = None,
        limit: int = MAX_PENDING_RECORDS,
    ) -> None:
        """Begin to connect, without waiting for it.

        Args:
            connect: Makes a producer for the topic, or raises
                LogUnavailable or SetupError.
            partitions: How many partitions the topic has.
            clock: Measures.
            limit: So many records are held for Kafka at most.
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
            partition: Where to.
            key: Its key.
            value: Its value; one of the two is no None.
            headers: Its headers.

        Returns:
            A future of its place, or of LogUnavailable within
            BOUND_SECONDS; of RecordTooLarge when the topic takes no
            record of its size.

        Raises:
            RecordTooLarge: At once: no topic takes a record of its
                size.
            LogUnavailable: At once: there is no connection, too many
                records wait already, or the partition has just failed
                to answer.
        """
        producer = self._supervisor.live
        if not self._breaker.allows(partition, self._pending.waiting(partition)):
            raise LogUnavailable(f"partition {partition} did not answer a moment ago")
        pending = self._pending.begin(partition, len(key or b"") + len(value or b""))
        try:
            producer.send(pending, key, value, headers)
        except Exception as error:
            # What was begun is counted, and only here can it end: the
            # library never had it.
            self._pending.completed(pending, error)
            if isinstance(error, LogUnavailable):
                pending.give_up(error)
                raise
            failure = unavailable("the record could not be sent", error)
            pending.give_up(failure)
            raise failure from error
        return pending.future

    def rested(self) -> None:
        """Take it that no more records come for the moment; never
        blocks.
        """
        self._supervisor.rested()

    def check(self) -> None:
        """See whether the topic can be written now, within the deadline
        in force and 1 s at most.

        Raises:
            LogUnavailable: It cannot.
        """
        with deadline.within(_CHECK_SECONDS):
            self._supervisor.wait_until_tried(deadline.remaining(_CHECK_SECONDS))
            self._supervisor.live.check()

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the connection that is being made.

        Args:
            seconds: At most.

        Raises:
            LogUnavailable: There is none.
        """
        self._supervisor.wait_until_made(seconds)
        _ = self._supervisor.live

    def close(self) -> None:
        """Send what is left and let go of everything, within 8 s; safe
        to repeat.
        """
        self._supervisor.close()
        self._pending.close()


class KafkaLog:
    """A MessageLog on a topic.

    An acknowledged record is on all replicas that are in step with the
    leader (acks=all), at least `min.insync.replicas` of them. The
    partition is chosen here, as Kafka's own clients choose it by
    default.
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
        """Begin to connect, without waiting for it; appends fail at
        once until then.

        Args:
            connection: Where the brokers are.
            topic: Which topic.
            partitions: How many partitions it must have.
            clock: Measures.
            limit: So many records are held for Kafka at most.
            verify: Called before each connection; raises SetupError or
                LogUnavailable to have none.
        """
        self._partitions = partitions

        def connect() -> TopicProducer:
            if verify is not None:
                verify()
            return TopicProducer.connect(connection, topic, partitions)

        self._writer = TopicWriter(connect, partitions, clock, limit)

    def append(self, record: NewRecord) -> "Future[Appended]":
        """Append a record durably, without blocking the caller.

        Args:
            record: What to append.

        Returns:
            A future of the record's place, or of LogUnavailable within
            2 s.

        Raises:
            LogUnavailable: At once, when Kafka can take nothing now.
        """
        headers = [(name, text.encode()) for name, text in record.headers.items()]
        return self._writer.append(
            partition_for(record.key, self._partitions), record.key, record.value, headers
        )

    def rested(self) -> None:
        """Take it that no more records come for the moment: those that
        wait for company wait no longer.
        """
        self._writer.rested()

    def check(self) -> None:
        """See whether every partition can be written now, within the
        deadline in force and 1 s at most.

        Raises:
            LogUnavailable: Not so.
        """
        self._writer.check()

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the connection that is being made.

        Args:
            seconds: At most.

        Raises:
            LogUnavailable: There is none.
        """
        self._writer.wait_until_connected(seconds)

    def close(self) -> None:
        """Send what is left and let go of everything, within 8 s; safe
        to repeat.
        """
        self._writer.close()
