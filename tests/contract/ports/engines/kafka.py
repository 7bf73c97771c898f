"""The log on Kafka, with topics of its own for each test; the stores are those in memory."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

import pytest

from angarium.engines.kafka.consumer import KafkaConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.producer import KafkaLog
from angarium.engines.kafka.security import KafkaConnection
from angarium.engines.kafka.topics import KafkaTopics
from tests.contract.ports.engine import Engine
from tests.fakes.conversations import MemoryConversations
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.fakes.users import MemoryUsers

_CONNECT_SECONDS = 10.0


@contextmanager
def open_kafka(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine on new topics of the session's broker."""
    connection = KafkaConnection((request.getfixturevalue("kafka"),))
    topic = f"messages-{uuid4().hex[:8]}"
    KafkaTopics(connection, topic, 4, 1).create()
    users, messages = MemoryUsers(), MemoryMessages()
    with (
        closing(KafkaLog(connection, topic, 4)) as log,
        closing(KafkaDeadLetters(connection, topic)) as dead_letters,
    ):
        log.wait_until_connected(_CONNECT_SECONDS)
        dead_letters.wait_until_connected(_CONNECT_SECONDS)
        yield Engine(
            partitions=4,
            log=log,
            open_consumer=lambda group: KafkaConsumer(connection, topic, group),
            dead_letters=dead_letters,
            users=users,
            users_elsewhere=users,
            conversations=MemoryConversations(),
            recorder=messages,
            reader=messages,
            presence=MemoryPresence(),
        )
