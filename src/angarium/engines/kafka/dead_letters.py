"""The dead letters on a Kafka topic (docs/adr/0012)."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

import kafka
from kafka.errors import CorruptRecordError, UnsupportedCodecError
from kafka.structs import TopicPartition

from angarium import logs
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.engines.kafka import dead_letter_records
from angarium.engines.kafka.connection import (
    CONSUMER_OPTIONS,
    ClientFactory,
    KafkaConnectionSettings,
)
from angarium.engines.kafka.errors import translate
from angarium.engines.kafka.log import TopicWriter
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.record_sizes import MAX_DEAD_LETTER_BYTES
from angarium.engines.kafka.topic_producer import TopicProducer
from angarium.engines.kafka.topics import dead_letters_of
from angarium.ports.message_log import Appended, DeadLetter

_log = logs.get("angarium.engines.kafka")

READ_S = 10.0
"""Maximum time for reading dead letters: a person waits for it."""

FIND_S = 60.0
"""Maximum time for finding one: all that are newer are read for it."""

FOUND_AT_ONCE = 500
"""Dead letters in memory while one is looked for: about 30 MB, if each
has the largest text.
"""

_UNREADABLE = (UnsupportedCodecError, CorruptRecordError, UnicodeDecodeError)
"""What the library raises for records that it cannot decode: those of
foreign producers, and those that a disk has damaged.
"""

_PARTITION = 0
_OPTIONS: Mapping[str, object] = {
    **CONSUMER_OPTIONS,
    "client_id": "angarium",
    "group_id": None,
    "auto_offset_reset": "earliest",
}


class KafkaDeadLetters:
    """A DeadLetterLog on `<topic>.dead`, in order of time.

    The topic has one partition. Key and value are those of the record
    that cannot be applied; headers hold the rest. A dead letter that is
    too large for the topic is kept in part, because nothing after its
    record is committed before it is kept.
    """

    def __init__(
        self, connection: KafkaConnectionSettings, topic: str, clock: Clock | None = None
    ) -> None:
        """Start to connect; until then appends fail at once.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic whose records are kept; the dead letters'
                topic is named after it.
            clock: Of all timeouts; the system's when None.
        """
        self._connection = connection
        self._source = topic
        self._topic = dead_letters_of(topic)
        self._max_bytes = MAX_DEAD_LETTER_BYTES
        connect = partial(TopicProducer.connect, connection, self._topic, 1, MAX_DEAD_LETTER_BYTES)
        self._writer = TopicWriter(connect, 1, clock)

    def append(self, letter: DeadLetter) -> "Future[None]":
        """Implements `DeadLetterLog.append`, within 2 s."""
        sent = dead_letter_records.encode(letter, self._source, self._max_bytes)
        appended = self._writer.append(_PARTITION, *sent)
        kept: Future[None] = Future()

        def resolve(future: "Future[Appended]") -> None:
            """Complete the future; learn which size is refused."""
            error = future.exception()
            if error is None:
                kept.set_result(None)
                return
            if isinstance(error, RecordTooLarge):
                # The topic accepts less than it should, and would
                # refuse the same dead letter every time.
                self._max_bytes = min(self._max_bytes, sent.size - 1)
            kept.set_exception(error)

        appended.add_done_callback(resolve)
        return kept

    def read(self, limit: int) -> Sequence[DeadLetter]:
        """Implements `DeadLetterLog.read`, within READ_S."""
        with self._reader(READ_S) as reader:
            found = reader.read(max(reader.first, reader.end - limit), reader.end)
        return list(self._decode(reversed(found)))

    def find(self, partition: int, offset: int) -> DeadLetter | None:
        """Implements `DeadLetterLog.find`, within FIND_S."""
        # The topic has no index by position: it is read from its end.
        with self._reader(FIND_S) as reader:
            for end in range(reader.end, reader.first, -FOUND_AT_ONCE):
                found = reader.read(max(reader.first, end - FOUND_AT_ONCE), end)
                for letter in self._decode(reversed(found)):
                    if (letter.record.partition, letter.record.offset) == (partition, offset):
                        return letter
        return None

    @contextmanager
    def _reader(self, seconds: float) -> "Iterator[_Reader]":
        """Connect a consumer for so long at most."""
        factory = ClientFactory(NetworkClient)
        options = {**_OPTIONS, **self._connection.options()}
        consumer = factory.connect(
            self._connection, lambda: kafka.KafkaConsumer(kafka_client=factory.make, **options)
        )
        try:
            with translate("the dead letters could not be read"):
                yield _Reader(consumer, TopicPartition(self._topic, _PARTITION), seconds)
        finally:
            consumer.close(autocommit=False, timeout_ms=1_000)

    def _decode(self, found: Iterable[dead_letter_records.ConsumerRecord]) -> Iterator[DeadLetter]:
        """Yield the decoded dead letters; log foreign records."""
        for record in found:
            letter = dead_letter_records.decode(record)
            if letter is not None:
                yield letter
            else:
                _warn_of_foreign(self._topic, record.offset)

    def wait_until_connected(self, seconds: float) -> None:
        """Wait for the producer's first connection.

        Args:
            seconds: Maximum wait.

        Raises:
            LogUnavailable: There is no connection.
        """
        self._writer.wait_until_connected(seconds)

    def close(self) -> None:
        """Send what is left and end the producer, within 8 s."""
        self._writer.close()


class _Reader:
    """Reads parts of a topic's one partition, within a time limit.

    Attributes:
        first: The first offset that there is.
        end: The offset after the last one.
    """

    def __init__(
        self, consumer: kafka.KafkaConsumer, topic_partition: TopicPartition, seconds: float
    ) -> None:
        """Ask which offsets there are."""
        self._consumer = consumer
        self._at = topic_partition
        self._seconds = seconds
        self._expires_at = time.monotonic() + seconds
        consumer.assign([topic_partition])
        left_ms = self._left_ms
        self.end = consumer.end_offsets([self._at], timeout_ms=left_ms())[self._at]
        self.first = consumer.beginning_offsets([self._at], timeout_ms=left_ms())[self._at]

    def read(self, offset: int, end: int) -> list[dead_letter_records.ConsumerRecord]:
        """Return the records from an offset to an end, oldest first."""
        consumer = self._consumer
        consumer.seek(self._at, offset)
        found: list[dead_letter_records.ConsumerRecord] = []
        while (following := consumer.position(self._at, timeout_ms=self._left_ms())) < end:
            try:
                polled = consumer.poll(timeout_ms=min(500, self._left_ms()))
            except _UNREADABLE:
                _warn_of_foreign(self._at.topic, following)
                # The library drops what it has fetched of another
                # offset.
                consumer.seek(self._at, following + 1)
                continue
            for batch in polled.values():
                found.extend(batch)
        return [each for each in found if each.offset < end]

    def _left_ms(self) -> int:
        """Return the milliseconds left, or raise LogUnavailable."""
        left = self._expires_at - time.monotonic()
        if left <= 0:
            raise LogUnavailable(f"the dead letters could not be read within {self._seconds:g} s")
        return round(left * 1000)


def _warn_of_foreign(topic: str, offset: int) -> None:
    """Log that a record of the topic was left out."""
    _log.warning(
        "foreign_dead_letter",
        f"A record of {topic} is not a dead letter of this service; it is left out.",
        partition=_PARTITION,
        offset=offset,
    )
