"""The distributed engine: topics of its own for each test, and one
keyspace a session.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from uuid import uuid4

import kafka
import pytest
from kafka import TopicPartition

from angarium.engines.cassandra.bulk_loader import CassandraBulkLoader
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.store_inspector import CassandraStoreInspector
from angarium.engines.cassandra.users import CassandraUsers
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.log_inspector import KafkaDeadLetterInspector, KafkaLogInspector
from tests.contract.ports.damage import CassandraDamage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores
from tests.engines.addresses import contact_points
from tests.engines.cassandra_sessions import PREPARE_S, connected, shared_sessions
from tests.engines.kafka_topics import delete_topics, make_topics

_CONNECT_S = 30.0
_WINDOW_S = 3_600.0


@contextmanager
def _open_logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    connection = KafkaConnectionSettings((request.getfixturevalue("kafka"),))
    topic = f"messages-{uuid4().hex[:8]}"
    make_topics(connection, topic, PARTITIONS)
    with (
        closing(KafkaLog(connection, topic, PARTITIONS)) as log,
        closing(KafkaDeadLetters(connection, topic)) as dead_letters,
        closing(KafkaDeadLetterInspector(connection, topic)) as dead_letter_inspector,
        ExitStack() as opened,
    ):
        log.wait_until_connected(_CONNECT_S)
        dead_letters.wait_until_connected(_CONNECT_S)
        yield Logs(
            log,
            lambda group: KafkaLogConsumer(connection, topic, group),
            dead_letters,
            open_member=lambda group, instance: closing(
                KafkaLogConsumer(connection, topic, group, instance=instance)
            ),
            open_inspector=lambda group: opened.enter_context(
                closing(KafkaLogInspector(connection, topic, PARTITIONS, group))
            ),
            dead_letter_inspector=dead_letter_inspector,
            expire_applied=partial(_expire_applied, connection, topic),
        )
    delete_topics(connection, topic)


def _expire_applied(connection: KafkaConnectionSettings, topic: str, group: str) -> None:
    with (
        closing(KafkaLogInspector(connection, topic, PARTITIONS, group)) as inspector,
        closing(kafka.KafkaAdminClient(**connection.options())) as administrator,
    ):
        administrator.delete_records(
            {
                TopicPartition(topic, partition): position.offset
                for partition, position in inspector.committed().items()
            }
        )


@contextmanager
def _open_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    yield _stores(*shared_sessions(request, request.getfixturevalue("cassandra")))


@contextmanager
def _open_empty_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Open a keyspace of its own, which takes seconds."""
    points = contact_points(request.getfixturevalue("cassandra"))
    address = CassandraAddress(points, f"audited_{uuid4().hex[:8]}")
    prepare(address, replication=1, timeout_s=PREPARE_S)
    with closing(connected(address)) as here, closing(connected(address)) as elsewhere:
        yield _stores(here, elsewhere)
        session = here._connector.require().session
        session.execute(f"DROP KEYSPACE {address.quoted_keyspace}", timeout=PREPARE_S)


def _stores(here: CassandraSession, elsewhere: CassandraSession) -> Stores:
    topic = f"messages-{uuid4().hex[:8]}"
    return Stores(
        users=CassandraUsers(here),
        users_elsewhere=CassandraUsers(elsewhere),
        conversations=CassandraConversations(here),
        message_writer=CassandraMessageWriter(here),
        reader=CassandraMessageReader(here),
        presence=CassandraPresence(here, _WINDOW_S),
        inspector=CassandraStoreInspector(elsewhere, topic),
        loader=CassandraBulkLoader(here, topic, marker_id=topic),
        damage=CassandraDamage(here),
    )


KAFKA_AND_CASSANDRA = Engine(_open_logs, _open_stores, _open_empty_stores)
