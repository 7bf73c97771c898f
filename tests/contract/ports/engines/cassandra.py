"""The stores on Cassandra, in one keyspace a session; the log is the one in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from angarium.clock import SystemClock
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.keyspace import prepare
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.reader import CassandraReader
from angarium.engines.cassandra.recorder import CassandraRecorder
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.users import CassandraUsers
from tests.contract.ports.engine import Engine
from tests.engines.addresses import contact_points
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog

_PREPARE_SECONDS = 60.0
_CONNECT_SECONDS = 30.0
_WINDOW_SECONDS = 3_600.0

_sessions = pytest.StashKey[tuple[CassandraSession, CassandraSession]]()


@contextmanager
def open_cassandra(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine on the session's nodes; every test has ids of its own."""
    addresses: str = request.getfixturevalue("cassandra")
    here, elsewhere = _connected(request, addresses)
    log = MemoryLog(4, SystemClock())
    yield Engine(
        partitions=4,
        log=log,
        open_consumer=lambda group: MemoryConsumer(log, group),
        dead_letters=MemoryDeadLetters(),
        users=CassandraUsers(here),
        users_elsewhere=CassandraUsers(elsewhere),
        conversations=CassandraConversations(here),
        recorder=CassandraRecorder(here),
        reader=CassandraReader(here),
        presence=CassandraPresence(here, _WINDOW_SECONDS),
    )


def _connected(request: pytest.FixtureRequest, addresses: str) -> tuple[CassandraSession, CassandraSession]:
    """Connect once a session, which costs more than most tests."""
    sessions = request.config.stash.get(_sessions, None)
    if sessions is None:
        address = CassandraAddress(contact_points(addresses), "ports")
        prepare(address, replication=len(address.contact_points), timeout=_PREPARE_SECONDS)
        sessions = CassandraSession(address), CassandraSession(address)
        for session in sessions:
            request.session.addfinalizer(session.close)
            assert session.await_connection(_CONNECT_SECONDS)
        request.config.stash[_sessions] = sessions
    return sessions
