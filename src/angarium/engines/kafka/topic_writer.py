"""Appending to one topic, whatever becomes of the brokers."""

from collections.abc import Callable
from concurrent.futures import Future

from angarium import deadline
from angarium.clock import Clock, SystemClock
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.breaker import CircuitBreaker
from angarium.engines.kafka.errors import unavailable
from angarium.engines.kafka.in_flight import PendingAppends
from angarium.engines.kafka.link import ProducerSupervisor
from angarium.engines.kafka.live_producer import TopicProducer
from angarium.ports.message_log import Appended

IN_FLIGHT = 4_096
"""Records held for Kafka at most: those of some 1,000 requests, and what was given up."""

_CHECK_SECONDS = 1.0


class TopicWriter:
    """Sends records to a topic; used by any thread, never blocks the caller."""

    def __init__(
        self,
        connect: Callable[[], TopicProducer],
        partitions: int,
        clock: Clock | None = None,
        limit: int = IN_FLIGHT,
    ) -> None:
        """Begin to connect, without waiting for it.

        Args:
            connect: Makes a producer for the topic, or raises LogUnavailable or SetupError.
            partitions: How many partitions the topic has.
            clock: Measures.
            limit: So many records are held for Kafka at most.
        """
        clock = clock or SystemClock()
        self._breaker = CircuitBreaker(partitions, clock)
        self._in_flight = PendingAppends(partitions, limit, self._breaker, clock)
        self._link = ProducerSupervisor(connect, self._breaker.failing_for, self._breaker.reset)

    def append(
        self, partition: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> "Future[Appended]":
        """Send a record.

        Args:
            partition: Where to.
            key: Its key.
            value: Its value; one of the two is no None.
            headers: Its headers.

        Returns:
            A future of its place, or of LogUnavailable within BOUND_SECONDS; of RecordTooLarge when
            the topic takes no record of its size.

        Raises:
            RecordTooLarge: At once: no topic takes a record of its size.
            LogUnavailable: At once: there is no connection, too many records wait already, or the
                partition has just failed to answer.
        """
        live = self._link.live
        if not self._breaker.allows(partition, self._in_flight.waiting(partition)):
            raise LogUnavailable(f"partition {partition} did not answer a moment ago")
        sent = self._in_flight.begin(partition, len(key or b"") + len(value or b""))
        try:
            live.send(sent, key, value, headers)
        except Exception as error:
            # What was begun is counted, and only here can it end: the library never had it.
            self._in_flight.completed(sent, error)
            if isinstance(error, LogUnavailable):
                sent.give_up(error)
                raise
            failure = unavailable("the record could not be sent", error)
            sent.give_up(failure)
            raise failure from error
        return sent.future

    def rested(self) -> None:
        """Take it that no more records come for the moment; never blocks."""
        self._link.rested()

    def check(self) -> None:
        """See whether the topic can be written now, within the deadline in force and 1 s at most.

        Raises:
            LogUnavailable: It cannot.
        """
        with deadline.within(_CHECK_SECONDS):
            self._link.wait_until_tried(deadline.remaining(_CHECK_SECONDS))
            self._link.live.check()

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the connection that is being made.

        Args:
            seconds: At most.

        Raises:
            LogUnavailable: There is none.
        """
        self._link.wait_until_made(seconds)
        _ = self._link.live

    def close(self) -> None:
        """Send what is left and let go of everything, within 8 s; safe to repeat."""
        self._link.close()
        self._in_flight.close()
