"""Records as the API appends them, put into the log directly."""

import time
from collections.abc import Iterator
from uuid import UUID, uuid4

from confluent_kafka import Producer

from angarium.domain.events import SCHEMA, NewMessage, encode
from bench.population import TEXT

FLUSH_S = 30.0
SLACK = 20
"""So many polls are made of the wait for the next record that is
due.
"""

Value = tuple[bytes, bytes]
"""A key and an encoded event."""


def events(count: int, conversations: int) -> Iterator[Value]:
    """Make messages, one conversation after the other and round again,
    each between two people of its own.
    """
    talks = [(uuid4(), uuid4(), uuid4()) for _ in range(conversations)]
    for number in range(count):
        conversation_id, sender_id, recipient_id = talks[number % conversations]
        yield (
            str(conversation_id).encode(),
            encode(_message(conversation_id, sender_id, recipient_id)),
        )


def _message(conversation_id: UUID, sender_id: UUID, recipient_id: UUID) -> NewMessage:
    now_ms = time.time_ns() // 1_000_000
    return NewMessage(uuid4(), conversation_id, now_ms, uuid4(), sender_id, recipient_id, TEXT * 2)


class Appender:
    """Appends to one topic, to the partitions that the API would
    choose.
    """

    def __init__(self, kafka: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 1,
                "partitioner": "murmur2_random",
                # It outlives the servers, and need not say so.
                "log_level": 2,
            }
        )

    def append(self, values: Iterator[Value]) -> None:
        """Append everything at once, and wait until it is there."""
        for value in values:
            self._produce(value)
        self._flush()

    def paced(self, values: Iterator[Value], per_second: float) -> None:
        """Append at a fixed pace."""
        start = time.perf_counter()
        for number, value in enumerate(values):
            while (left := start + number / per_second - time.perf_counter()) > 0:
                self._producer.poll(min(left, 1 / SLACK))
            self._produce(value)
        self._flush()

    def _produce(self, value: Value) -> None:
        key, event = value
        headers: list[tuple[str, str | bytes | None]] = [
            ("trace_id", uuid4().hex.encode()),
            ("schema", SCHEMA.encode()),
        ]
        while True:
            try:
                self._producer.produce(self._topic, event, key, headers=headers)
            except BufferError:
                self._producer.poll(0.05)
            else:
                return

    def _flush(self) -> None:
        if left := self._producer.flush(FLUSH_S):
            raise RuntimeError(f"{left} records could not be appended")
