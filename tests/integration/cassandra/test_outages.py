"""Nodes that freeze, die and come back."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.ports.messages import StoreOutcome
from tests.contract.ports.chat import Chat, record
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import PREPARE_S, connected
from tests.integration.cassandra.availability import (
    BOUND_S,
    SLACK_S,
    query_error,
    until_it_answers,
    until_it_fails,
)

DONE = {StoreOutcome.STORED, StoreOutcome.REPLAYED}


@pytest.fixture
def one(on_node: CassandraAddress) -> Iterator[CassandraSession]:
    """Connected to a single node."""
    with closing(connected(on_node)) as session:
        yield session


@pytest.fixture
def pair(cassandra_cluster: CassandraCluster) -> Iterator[CassandraSession]:
    """Connected to two nodes that keep two copies of everything."""
    address = CassandraAddress(contact_points(cassandra_cluster.address))
    prepare(address, 2, PREPARE_S)
    with closing(connected(address)) as session:
        yield session


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_frozen_node_stops_nothing_for_longer_than_the_bound_and_is_used_when_it_goes_on(
    cassandra_node: CassandraCluster, one: CassandraSession, chat: Chat
) -> None:
    message_writer, reader = CassandraMessageWriter(one), CassandraMessageReader(one)
    before, during = chat.messages(2)
    record(message_writer, before)
    cassandra_node.nodes[0].freeze()
    for _ in range(3):
        stored = message_writer.record(chat.conversation_id, [during])
        assert query_error(one) is not None
        assert isinstance(stored.exception(BOUND_S + SLACK_S), StoreUnavailable)
    cassandra_node.nodes[0].resume()
    (outcome,) = until_it_answers(lambda: record(message_writer, during))
    assert outcome in DONE
    assert list(reader.newer(chat.conversation_id, BEGINNING, 10)) == [before, during]


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_killed_node_is_used_again_when_it_comes_back_with_all_it_acknowledged(
    cassandra_node: CassandraCluster, one: CassandraSession, chat: Chat
) -> None:
    message_writer, reader = CassandraMessageWriter(one), CassandraMessageReader(one)
    messages = chat.messages(2)
    record(message_writer, messages[0])
    cassandra_node.nodes[0].stop()
    until_it_fails(one)
    cassandra_node.start()
    until_it_answers(lambda: record(message_writer, messages[1]))
    assert list(reader.newer(chat.conversation_id, BEGINNING, 10)) == messages


@pytest.mark.engines
def test_without_one_of_two_copies_nothing_is_read_or_written_until_it_is_back(
    cassandra_cluster: CassandraCluster, pair: CassandraSession, chat: Chat
) -> None:
    message_writer, reader = CassandraMessageWriter(pair), CassandraMessageReader(pair)
    messages = chat.messages(2)
    record(message_writer, messages[0])
    cassandra_cluster.nodes[1].kill()
    until_it_fails(pair)
    for _ in range(5):
        refused = message_writer.record(chat.conversation_id, [messages[1]])
        assert isinstance(refused.exception(3 * BOUND_S + SLACK_S), StoreUnavailable)
        assert query_error(pair) is not None
    cassandra_cluster.start()
    (outcome,) = until_it_answers(lambda: record(message_writer, messages[1]))
    assert outcome in DONE
    assert list(reader.newer(chat.conversation_id, BEGINNING, 10)) == messages


@pytest.mark.engines
def test_one_of_two_copies_is_enough_for_those_who_ask_for_one(
    cassandra_cluster: CassandraCluster, pair: CassandraSession, chat: Chat
) -> None:
    message = chat.message()
    record(CassandraMessageWriter(pair), message)
    address = CassandraAddress(contact_points(cassandra_cluster.address))
    with closing(connected(replace(address, consistency="LOCAL_ONE"))) as content:
        cassandra_cluster.nodes[1].freeze()
        until_it_fails(pair)
        reader = CassandraMessageReader(content)
        found = until_it_answers(lambda: reader.newer(chat.conversation_id, BEGINNING, 10))
        assert list(found) == [message]
