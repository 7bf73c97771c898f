"""Connections to Cassandra that all tests of a session share: one costs
more than most tests.
"""

import pytest

from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from tests.engines.addresses import contact_points

PREPARE_S = 60.0
CONNECT_S = 30.0

_sessions = pytest.StashKey[dict[str, tuple[CassandraSession, CassandraSession]]]()


def shared_sessions(
    request: pytest.FixtureRequest, addresses: str
) -> tuple[CassandraSession, CassandraSession]:
    """Give two connections to a keyspace that all tests share, by ids
    of their own.

    Args:
        request: Of any fixture that keeps the nodes up.
        addresses: Of the nodes.

    Returns:
        One as this process has it, one as another.
    """
    opened = request.config.stash.setdefault(_sessions, {})
    if addresses not in opened:
        points = contact_points(addresses)
        # One copy gives the answers of two that a quorum has to agree
        # on, at half the cost; where copies differ or are gone, a test
        # has a keyspace of its own.
        address = CassandraAddress(points, "one_copy")
        prepare(address, replication=1, timeout_s=PREPARE_S)
        opened[addresses] = connected(address), connected(address)
        for session in opened[addresses]:
            request.session.addfinalizer(session.close)
    return opened[addresses]


def connected(address: CassandraAddress) -> CassandraSession:
    """Open a session and wait until it is connected.

    Args:
        address: Of a keyspace that is prepared.

    Returns:
        The session; whoever opened it closes it.
    """
    session = CassandraSession(address)
    assert session.await_connection(CONNECT_S)
    return session
