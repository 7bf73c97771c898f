"""The stores on Cassandra, in one keyspace a session; the log is the one in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from angarium.clock import SystemClock
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.reader import CassandraReader
from angarium.engines.cassandra.recorder import CassandraRecorder
from angarium.engines.cassandra.users import CassandraUsers
from tests.contract.ports.engine import Engine
from tests.engines.cassandra_sessions import shared_sessions
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog

_WINDOW_SECONDS = 3_600.0


@contextmanager
def open_cassandra(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine on the session's nodes; every test has ids of its own."""
    here, elsewhere = shared_sessions(request, request.getfixturevalue("cassandra"))
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
