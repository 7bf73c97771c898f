from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from tests.contract.ports.chat import Chat
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import PREPARE_S, shared_sessions

OpenSession = Callable[[CassandraAddress], CassandraSession]


@pytest.fixture
def session(request: pytest.FixtureRequest, cassandra: str) -> CassandraSession:
    """A connection to two nodes that stay up, shared by many tests."""
    return shared_sessions(request, cassandra)[0]


@pytest.fixture
def message_writer(session: CassandraSession) -> CassandraMessageWriter:
    return CassandraMessageWriter(session)


@pytest.fixture
def reader(session: CassandraSession) -> CassandraMessageReader:
    return CassandraMessageReader(session)


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def keyspace() -> str:
    """A keyspace's name that no other test uses."""
    return f"angarium_{uuid4().hex[:8]}"


@pytest.fixture
def on_node(cassandra_node: CassandraCluster) -> CassandraAddress:
    """A prepared keyspace on the single node, which a test may freeze,
    kill and start again.
    """
    address = CassandraAddress(contact_points(cassandra_node.address))
    prepare(address, replication=1, timeout_s=PREPARE_S)
    return address


@pytest.fixture
def open_session() -> Iterator[OpenSession]:
    """Give a maker of sessions, connected or not, which are closed when
    the test ends.
    """
    with ExitStack() as stack:
        yield lambda address: stack.enter_context(closing(CassandraSession(address)))
