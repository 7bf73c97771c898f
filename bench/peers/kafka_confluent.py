"""The send call over confluent-kafka: idempotent, acks=all, deliveries
polled for by a thread.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from confluent_kafka import KafkaError, Message, Producer

from bench.peers.sending import Append, Headers, LogUnavailable, Position, application

LINGER_MS = int(os.environ.get("PEER_LINGER_MS", "3"))


@asynccontextmanager
async def opened() -> AsyncIterator[Append]:
    """Connect."""
    topic = os.environ["ANGARIUM_TOPIC"]
    producer = Producer(
        {
            "bootstrap.servers": os.environ["ANGARIUM_KAFKA"],
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": LINGER_MS,
            "partitioner": "murmur2_random",
            "delivery.timeout.ms": 2_000,
        }
    )
    loop = asyncio.get_running_loop()
    ending = threading.Event()

    def deliver() -> None:
        while not ending.is_set():
            producer.poll(0.1)

    async def append(key: bytes, value: bytes, headers: Headers) -> Position:
        future: asyncio.Future[Position] = loop.create_future()

        def delivered(error: KafkaError | None, message: Message) -> None:
            loop.call_soon_threadsafe(_settle, future, error, message)

        try:
            producer.produce(topic, value, key, headers=headers, on_delivery=delivered)
        except BufferError as error:
            raise LogUnavailable from error
        return await future

    polling = threading.Thread(target=deliver, daemon=True)
    polling.start()
    try:
        yield append
    finally:
        ending.set()
        polling.join()
        producer.flush(5)


def _settle(
    future: "asyncio.Future[Position]", error: KafkaError | None, message: Message
) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(LogUnavailable(str(error)))
        return
    _, timestamp = message.timestamp()
    future.set_result(Position(message.partition() or 0, message.offset() or 0, timestamp))


app = application(opened)
