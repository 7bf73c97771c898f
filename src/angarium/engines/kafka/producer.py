"""The log's writing half on Kafka."""

from collections.abc import Callable
from concurrent.futures import Future

from angarium.clock import Clock
from angarium.domain.partitioning import partition_for
from angarium.engines.kafka.live_producer import TopicProducer
from angarium.engines.kafka.security import KafkaConnectionSettings
from angarium.engines.kafka.topic_writer import IN_FLIGHT, TopicWriter
from angarium.ports.message_log import Appended, NewRecord


class KafkaLog:
    """A MessageLog on a topic.

    An acknowledged record is on all replicas that are in step with the leader (acks=all), at least
    `min.insync.replicas` of them. The partition is chosen here, as Kafka's own clients choose it by default.
    """

    def __init__(
        self,
        connection: KafkaConnectionSettings,
        topic: str,
        partitions: int,
        clock: Clock | None = None,
        limit: int = IN_FLIGHT,
        verify: Callable[[], None] | None = None,
    ) -> None:
        """Begin to connect, without waiting for it; appends fail at once until then.

        Args:
            connection: Where the brokers are.
            topic: Which topic.
            partitions: How many partitions it must have.
            clock: Measures.
            limit: So many records are held for Kafka at most.
            verify: Called before each connection; raises SetupError or LogUnavailable to have none.
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
            A future of the record's place, or of LogUnavailable within 2 s.

        Raises:
            LogUnavailable: At once, when Kafka can take nothing now.
        """
        headers = [(name, text.encode()) for name, text in record.headers.items()]
        return self._writer.append(
            partition_for(record.key, self._partitions), record.key, record.value, headers
        )

    def rested(self) -> None:
        """Take it that no more records come for the moment: those that wait for company wait no longer."""
        self._writer.rested()

    def check(self) -> None:
        """See whether every partition can be written now, within the deadline in force and 1 s at most.

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
        """Send what is left and let go of everything, within 8 s; safe to repeat."""
        self._writer.close()
