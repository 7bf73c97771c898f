"""A start that reached Cassandra too late serves no half import."""

from contextlib import closing

from cassandra.cqltypes import UTF8Type
from cassandra.protocol import ColumnMetadata
from cassandra.query import PreparedStatement, Statement

from angarium.config import Settings
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.prepared_session import PreparedSession, connect
from angarium.engines.cassandra.session import CassandraSession
from angarium.wiring.imported_keyspace import LateImportCheck
from tests.unit.engines.cassandra.driver import ADDRESS, Driver, prepared
from tests.waiting import until

SETTINGS = Settings.from_env({"ANGARIUM_DEMO": "1"})


class Keyspace(Driver):
    """A driver whose keyspace has the marker of an import."""

    def __init__(self) -> None:
        super().__init__()
        self.marker: list[tuple[object, ...]] = [("ab" * 32, 5, False)]
        self.connections = 0

    def prepare(self, cql: str) -> PreparedStatement:
        if ".imports WHERE" not in cql or not cql.startswith("SELECT"):
            return prepared(cql)
        column = ColumnMetadata("chat", "imports", "id", UTF8Type)
        return PreparedStatement([column], b"id", [], cql, "chat", 5, None, None)

    def execute(self, question: Statement, timeout: float | None) -> list[tuple[object, ...]]:
        super().execute(question, timeout)
        return self.marker

    def connected(self, address: CassandraAddress) -> PreparedSession:
        self.connections += 1
        return connect(address, self.build)


def test_half_of_an_import_is_not_taken_into_use_until_it_has_ended() -> None:
    keyspace = Keyspace()
    check = LateImportCheck(SETTINGS, keyspace.connected)
    assert not check.require()
    with closing(CassandraSession(ADDRESS, check.connect)) as session:
        until(lambda: keyspace.connections > 1, "a second attempt")
        assert not session.await_connection(0)
        assert keyspace.is_shut_down
        keyspace.marker = [("ab" * 32, 99, True)]
        assert session.await_connection(30.0)


def test_a_keyspace_without_an_import_is_used_at_once() -> None:
    keyspace = Keyspace()
    keyspace.marker = []
    check = LateImportCheck(SETTINGS, keyspace.connected)
    check.require()
    with closing(CassandraSession(ADDRESS, check.connect)) as session:
        assert session.await_connection(30.0)


def test_a_connection_in_time_is_left_to_the_start() -> None:
    keyspace = Keyspace()
    check = LateImportCheck(SETTINGS, keyspace.connected)
    with closing(CassandraSession(ADDRESS, check.connect)) as session:
        assert session.await_connection(30.0)
        assert not keyspace.asked
        assert check.require()
