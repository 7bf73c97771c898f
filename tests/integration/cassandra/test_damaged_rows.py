"""Rows that no worker would write are shown, not stumbled over."""

from collections.abc import Callable
from contextlib import closing
from uuid import uuid4

import pytest

from angarium.domain.message import BEGINNING, Message, Status
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.store_inspector import CassandraStoreInspector
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import NO_ID, IndexRow
from tests.contract.ports.chat import START, Chat, record
from tests.contract.ports.damage import CassandraDamage
from tests.engines.addresses import contact_points
from tests.engines.cassandra_sessions import connected

pytestmark = pytest.mark.engines


@pytest.fixture
def message(message_writer: CassandraMessageWriter, chat: Chat) -> Message:
    message = chat.message()
    record(message_writer, message)
    return message


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("content", None, lambda sent: sent._replace(content="")),
        ("sender_id", None, lambda sent: sent._replace(sender_id=NO_ID)),
        ("recipient_id", None, lambda sent: sent._replace(recipient_id=NO_ID)),
        ("status", None, lambda sent: sent._replace(status=Status.PENDING)),
        ("status", "READ", lambda sent: sent._replace(status=Status.PENDING)),
        ("delivered_at", START, lambda sent: sent._replace(delivered_at=START)),
    ],
)
def test_a_message_with_any_damage_is_shown(
    session: CassandraSession,
    message: Message,
    column: str,
    value: object,
    shown: Callable[[Message], Message],
) -> None:
    CassandraDamage(session).execute(
        f"UPDATE messages SET {column} = %s"
        " WHERE conversation_id = %s AND timestamp = %s AND seq = %s AND message_id = %s",
        value,
        message.conversation_id,
        message.position.timestamp,
        message.position.offset,
        message.message_id,
    )
    inspector = CassandraStoreInspector(session, "messages")
    expected = [shown(message)]
    assert list(inspector.messages(message.conversation_id, None, 10)) == expected
    assert list(inspector.find(message.conversation_id, message.message_id)[1]) == expected


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("seq", lambda row: row._replace(position=BEGINNING)),
        ("sender_id", lambda row: row._replace(sender_id=NO_ID)),
    ],
)
def test_an_index_row_with_any_damage_is_shown(
    session: CassandraSession, message: Message, column: str, shown: Callable[[IndexRow], IndexRow]
) -> None:
    CassandraDamage(session).execute(
        f"DELETE {column} FROM message_index WHERE conversation_id = %s AND message_id = %s",
        message.conversation_id,
        message.message_id,
    )
    inspector = CassandraStoreInspector(session, "messages")
    row = shown(IndexRow(message.message_id, message.position, message.sender_id))
    assert list(inspector.index(message.conversation_id, None, 10)) == [row]
    assert inspector.find(message.conversation_id, message.message_id) == (row, [message])


def test_the_start_of_a_log_is_kept_by_its_topic(session: CassandraSession) -> None:
    topic = f"messages-{uuid4().hex}"
    for partition, first_offset, watermark in ((0, 7, START), (3, 0, START + 1)):
        CassandraDamage(session).execute(
            "INSERT INTO log_starts (topic, partition, first_offset, watermark)"
            " VALUES (%s, %s, %s, %s)",
            topic,
            partition,
            first_offset,
            watermark,
        )
    assert CassandraStoreInspector(session, topic).log_starts() == {
        0: Position(7, START),
        3: Position(0, START + 1),
    }
    assert CassandraStoreInspector(session, f"{topic}-2").log_starts() == {}


def test_every_node_is_named_and_where_a_conversation_is_kept(
    session: CassandraSession, cassandra: str
) -> None:
    inspector = CassandraStoreInspector(session, "messages")
    addresses = sorted(each.rpartition(":")[0] for each in cassandra.split(","))
    assert [(node.address, node.is_up) for node in inspector.nodes()] == [
        (address, True) for address in addresses
    ]
    kept = [inspector.replicas(uuid4()) for _ in range(64)]
    # One copy of each, and ids are spread over all nodes.
    assert {len(each) for each in kept} == {1}
    assert {address for each in kept for address in each} == set(addresses)


def test_a_node_that_the_settings_name_is_shown_with_its_address(
    session: CassandraSession, cassandra: str
) -> None:
    (_, port), *_ = contact_points(cassandra)
    with closing(connected(CassandraAddress([("localhost", port)], "one_copy"))) as by_name:
        inspector = CassandraStoreInspector(by_name, "messages")
        addresses = {node.address for node in inspector.nodes()}
        kept = {address for _ in range(64) for address in inspector.replicas(uuid4())}
    assert addresses == kept == {each.rpartition(":")[0] for each in cassandra.split(",")}
