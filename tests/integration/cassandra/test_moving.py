"""Nodes that come back at other addresses than before, as containers
do.
"""

import socket
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, suppress
from uuid import uuid4

import pytest

from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.acceptance.service import until
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import PREPARE_S, connected
from tests.integration.cassandra.availability import (
    RECOVERY_S,
    query_error,
    until_it_answers,
)

pytestmark = pytest.mark.engines

NOBODY = "127.0.0.250"
"""Where nothing listens."""

Positions = MutableMapping[str, str]
"""By name or address, where this process goes instead."""


@pytest.fixture
def positions(monkeypatch: pytest.MonkeyPatch) -> Positions:
    """Decide where every name and address leads, as a resolver and a
    network do.
    """
    positions: Positions = {}
    resolve: Callable[..., object] = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest: resolve(positions.get(host, host), *rest)
    )
    return positions


@pytest.fixture
def session(
    cassandra_cluster: CassandraCluster, positions: Positions
) -> Iterator[CassandraSession]:
    """Connected to two nodes by their names."""
    numeric = CassandraAddress(contact_points(cassandra_cluster.address))
    prepare(numeric, 2, PREPARE_S)
    named = [
        (f"node-{number}.test", port) for number, (_, port) in enumerate(numeric.contact_points)
    ]
    for (name, _), (address, _) in zip(named, numeric.contact_points, strict=True):
        positions[name] = address
    with closing(connected(CassandraAddress(named))) as session:
        yield session


def known(session: CassandraSession) -> set[str]:
    """Give what the driver would try."""
    return {
        host.endpoint.address for host in session._connector.require().cluster.metadata.all_hosts()
    }


def cut(session: CassandraSession) -> None:
    """End every connection, as nodes do that go away."""
    connected = session._connector.require()
    for holder in connected.cluster.get_connection_holders():
        for connection in holder.get_connections():
            with suppress(OSError):
                connection._socket.shutdown(socket.SHUT_RDWR)


def nobody_is_reached(session: CassandraSession) -> bool:
    """Cut it off again: a connection that was in the making the last
    time may have come up since.
    """
    cut(session)
    return query_error(session) is not None


def test_nodes_that_all_come_back_at_other_addresses_are_found_by_their_names(
    session: CassandraSession, cassandra_cluster: CassandraCluster, positions: Positions
) -> None:
    addresses = {node.address for node in cassandra_cluster.nodes}
    names = [name for name in positions if name not in addresses]
    before = dict(positions)
    # The control connection moves once: from then on the driver knows
    # addresses alone.
    positions.update(dict.fromkeys(names, NOBODY))
    cut(session)
    until(lambda: known(session) == addresses, "the driver knows addresses alone", RECOVERY_S)
    until_it_answers(lambda: session.execute(Statement.CONVERSATION, (uuid4(),)))
    # What is told to the driver leads nowhere any more, and the names
    # lead to the nodes.
    positions.update({**before, **dict.fromkeys(addresses, NOBODY)})
    until(lambda: nobody_is_reached(session), "nobody is reached", RECOVERY_S)
    until_it_answers(lambda: session.execute(Statement.CONVERSATION, (uuid4(),)))
