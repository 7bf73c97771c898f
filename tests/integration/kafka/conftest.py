from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.log import KafkaLog
from tests.contract.ports.reading import Reading
from tests.engines.kafka_server import KafkaServer
from tests.engines.kafka_topics import delete_topics, make_topics
from tests.unit.services.log_lines import LogLines, captured

PARTITIONS = 4

OpenLog = Callable[..., KafkaLog]
OpenReading = Callable[[], Reading]


@pytest.fixture
def connection(kafka_server: KafkaServer) -> KafkaConnectionSettings:
    return KafkaConnectionSettings((kafka_server.address,))


@pytest.fixture
def name(kafka_server: KafkaServer, connection: KafkaConnectionSettings) -> Iterator[str]:
    """A topic's name that no other test uses."""
    name = f"messages-{uuid4().hex[:8]}"
    yield name
    kafka_server.start()
    delete_topics(connection, name)


@pytest.fixture
def topic(connection: KafkaConnectionSettings, name: str) -> str:
    """A topic of 4 partitions, empty."""
    make_topics(connection, name, PARTITIONS)
    return name


@pytest.fixture
def open_log(connection: KafkaConnectionSettings, topic: str) -> Iterator[OpenLog]:
    """Give a maker of connected logs, which are closed when the test
    ends.
    """
    with ExitStack() as stack:

        def make(limit: int = 1_000) -> KafkaLog:
            log = stack.enter_context(
                closing(KafkaLog(connection, topic, PARTITIONS, limit=limit))
            )
            log.wait_until_connected(30.0)
            return log

        yield make


@pytest.fixture
def log(open_log: OpenLog) -> KafkaLog:
    return open_log()


@pytest.fixture
def read(connection: KafkaConnectionSettings, topic: str) -> Iterator[OpenReading]:
    """Give a maker of readings in one group; their consumers are closed
    when the test ends.
    """
    group = f"router-{uuid4().hex[:8]}"
    with ExitStack() as stack:
        yield lambda: Reading(
            stack.enter_context(closing(KafkaLogConsumer(connection, topic, group)))
        )


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as lines:
        yield lines
