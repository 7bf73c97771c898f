"""A kafka-python producer that has found its topic."""

import contextlib
import threading
from collections.abc import Mapping

import kafka
from kafka.errors import KafkaError, MessageSizeTooLargeError

from angarium import deadline
from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.connection import (
    CLIENT_OPTIONS,
    ClientFactory,
    KafkaConnectionSettings,
    find_topic,
)
from angarium.engines.kafka.errors import ends_the_producer, too_large, translate, unavailable
from angarium.engines.kafka.patches.force_close import force_close
from angarium.engines.kafka.patches.sender import TolerantSender
from angarium.engines.kafka.patches.sender_client import SenderClient
from angarium.engines.kafka.pending_appends import PendingAppend
from angarium.engines.kafka.record_sizes import BATCH_BYTES, MAX_RECORD_BYTES
from angarium.engines.kafka.topics import other_partitions

_OPTIONS: Mapping[str, object] = {
    **CLIENT_OPTIONS,
    "client_id": "angarium",
    # Set by name although they are the defaults: a conflicting option
    # would switch idempotence off silently.
    "enable_idempotence": True,
    "acks": "all",
    "max_in_flight_requests_per_connection": 5,
    "batch_size": BATCH_BYTES,
    # When records leave is up to SenderClient.
    "linger_ms": 0,
    "max_block_ms": 300,
    "request_timeout_ms": 1_500,
    # A batch that was sent and then expires inside the library ends the
    # producer id, and the library never asks for a new one: no record
    # gets through any more (docs/adr/0013). So the library retries
    # without an end, under the same sequence numbers, and records time
    # out here (PendingAppends).
    "delivery_timeout_ms": 24 * 3600 * 1000,
}
_FIND_S = 1.0
"""Maximum wait for the topic's metadata after connecting."""

_CHECK_S = 1.0
"""Maximum time of a check, as the port promises."""

_END_S = 2.0
"""Maximum wait for the sender's thread after it was forced to end."""


class TopicProducer:
    """The library's producer for one topic (docs/adr/0013).

    Used by any thread; it never blocks the sender of a record.
    """

    def __init__(
        self, producer: kafka.KafkaProducer, factory: ClientFactory[SenderClient], topic: str
    ) -> None:
        """Keep what `connect` created, and install the patches.

        Args:
            producer: The library's producer.
            factory: Has created its network client.
            topic: The topic of all records.
        """
        self._producer = producer
        self._client = factory.client
        self._cluster = factory.client.cluster
        self._has_failed = False
        TolerantSender.take_over(producer)
        self._topic = topic

    @classmethod
    def connect(
        cls,
        connection: KafkaConnectionSettings,
        topic: str,
        partitions: int,
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> "TopicProducer":
        """Find the brokers and the topic, within 3 s.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic's name.
            partitions: The partition count that it must have.
            max_record_bytes: A larger record is refused before it is
                sent.

        Returns:
            A producer whose sends do not block.

        Raises:
            LogUnavailable: No broker answers, or there is no such
                topic.
            SetupError: The topic has another partition count.
        """
        factory = ClientFactory(SenderClient)
        producer = factory.connect(
            connection,
            lambda: kafka.KafkaProducer(
                kafka_client=factory.make,
                max_request_size=max_record_bytes,
                **_OPTIONS,
                **connection.options(),
            ),
        )
        topic_producer = cls(producer, factory, topic)
        try:
            factory.client.cluster.add_topic(topic)
            _expect(partitions, find_topic(factory.client, topic, _FIND_S), topic)
        except BaseException:
            topic_producer.close(0.0)
            raise
        return topic_producer

    @property
    def has_failed(self) -> bool:
        """Whether the library refuses every further record.

        It does so once a broker has refused one with a permanent error.
        """
        return self._has_failed

    def send(
        self,
        pending: PendingAppend,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]],
    ) -> None:
        """Send a record.

        Args:
            pending: Has the partition, and takes the answer.
            key: The record's key.
            value: The record's value.
            headers: The record's headers.

        Raises:
            RecordTooLarge: At once: no topic accepts a record of its
                size.
            LogUnavailable: At once: it could not be sent.
        """
        if self._cluster.partitions_for_topic(self._topic) is None:
            # The library would wait for the topic here, which blocks
            # the caller's thread.
            self._cluster.request_update()
            self._client.wakeup()
            raise LogUnavailable(
                f"topic {self._topic!r} no longer exists: create it with `angarium init`"
            )
        self._client.linger.record_arrived()
        with translate("the record could not be sent"):
            try:
                future = self._producer.send(
                    self._topic, value=value, key=key, headers=headers, partition=pending.partition
                )
            except MessageSizeTooLargeError as error:
                raise too_large(error) from error
        future.add_callback(pending.succeed)
        future.add_errback(self._on_failure, pending)

    def idle_hint(self) -> None:
        """Pass the hint on to the client that wakes the sender."""
        self._client.idle_hint()

    def check(self) -> None:
        """Check that a broker answers and every partition has a leader.

        It takes at most 1 s, or the time until the deadline in force.

        Raises:
            LogUnavailable: A partition cannot be written now.
        """
        answered = threading.Event()
        refreshed = self._cluster.request_update()
        refreshed.add_both(lambda _: answered.set())
        self._client.wakeup()
        timeout_s = deadline.remaining(_CHECK_S)
        if not answered.wait(timeout_s):
            raise LogUnavailable(f"Kafka did not answer within {timeout_s:.1f} s")
        if refreshed.failed():
            raise unavailable("Kafka does not answer", refreshed.exception)
        known = self._cluster.partitions_for_topic(self._topic)
        led = self._cluster.available_partitions_for_topic(self._topic)
        if not known or led != known:
            lacking = sorted((known or set()) - (led or set()))
            raise LogUnavailable(f"partitions {lacking} of topic {self._topic!r} have no leader")

    def close(self, seconds: float) -> None:
        """Send what is left and end the sender's thread.

        What is not sent in time fails.

        Args:
            seconds: How long sending may take; ending takes up to 2 s
                more.
        """
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=seconds)
            return
        force_close(self._producer)
        with contextlib.suppress(KafkaError):
            self._producer.close(timeout=_END_S)

    def _on_failure(self, pending: PendingAppend, error: BaseException) -> None:
        """Pass a failure on; called on the sender's thread."""
        self._has_failed = self._has_failed or ends_the_producer(error)
        pending.fail(error)


def _expect(partitions: int, found: int, topic: str) -> None:
    """Raise SetupError for another partition count than expected."""
    if found != partitions:
        raise SetupError(other_partitions(topic, found, partitions))
