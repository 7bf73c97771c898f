"""The send call over aiokafka: idempotent, acks=all."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bench.peers.sending import Append, Headers, LogUnavailable, Position, application

LINGER_MS = int(os.environ.get("PEER_LINGER_MS", "3"))


@asynccontextmanager
async def opened() -> AsyncIterator[Append]:
    """Connect."""
    topic = os.environ["ANGARIUM_TOPIC"]
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["ANGARIUM_KAFKA"],
        enable_idempotence=True,
        acks="all",
        linger_ms=LINGER_MS,
        request_timeout_ms=2_000,
    )
    await producer.start()

    async def append(key: bytes, value: bytes, headers: Headers) -> Position:
        try:
            found = await producer.send_and_wait(topic, value, key, headers=headers)
        except KafkaError as error:
            raise LogUnavailable from error
        return Position(found.partition, found.offset, found.timestamp)

    try:
        yield append
    finally:
        await producer.stop()


app = application(opened)
