"""Stands for the driver's cluster and session, and keeps what is asked
of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from cassandra.cluster import Cluster
from cassandra.cqltypes import LongType
from cassandra.protocol import ColumnMetadata
from cassandra.query import PreparedStatement, Statement

from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.prepared_session import PreparedSession, connect
from angarium.engines.cassandra.session import CassandraSession

ADDRESS = CassandraAddress([("cassandra.test", 9042)], "chat")


def prepared(cql: str) -> PreparedStatement:
    """Give a statement that takes numbers."""
    columns = [
        ColumnMetadata("chat", "any", f"column_{each}", LongType) for each in range(cql.count("?"))
    ]
    return PreparedStatement(columns, b"id", [], cql, "chat", 5, None, None)


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """Stands for the driver's host, by which it tells the state of its
    connections.
    """

    endpoint: object


@dataclass
class Answer:
    """What the driver hands out for a question; a test answers it."""

    question: Statement
    timeout: float | None
    succeeded: Callable[[object], None] = field(default=lambda _: None)
    failed: Callable[[BaseException], None] = field(default=lambda _: None)
    _timer: None = None

    def add_callbacks(
        self, succeeded: Callable[[object], None], failed: Callable[[BaseException], None]
    ) -> None:
        self.succeeded, self.failed = succeeded, failed


class Driver:
    """The driver's cluster and session in one, as the library makes
    them.
    """

    def __init__(self) -> None:
        self.use_client_timestamp = True
        self.default_fetch_size: int | None = 5_000
        self.asked: list[Answer] = []
        self.is_shut_down = False
        self.failure: Exception | None = None

    def build(self, _address: CassandraAddress) -> Cluster:
        """Stand for the function that makes a cluster object."""
        return cast("Cluster", self)

    def as_session(self) -> CassandraSession:
        """Give a session of ours on it, connected."""

        def connected(address: CassandraAddress) -> PreparedSession:
            return connect(address, self.build)

        session = CassandraSession(ADDRESS, connected)
        assert session.await_connection(30.0)
        return session

    def connect(self) -> "Driver":
        return self

    def prepare(self, cql: str) -> PreparedStatement:
        if self.failure is not None:
            raise self.failure
        return prepared(cql)

    def execute_async(self, question: Statement, timeout: float | None) -> Answer:
        self.asked.append(Answer(question, timeout))
        return self.asked[-1]

    def execute(self, question: Statement, timeout: float | None) -> list[tuple[object, ...]]:
        self.asked.append(Answer(question, timeout))
        if self.failure is not None:
            raise self.failure
        return [("a", question.fetch_size)]

    def get_pool_state(self) -> dict[ClusterNode, dict[str, int]]:
        return {ClusterNode("127.0.0.1:1"): {"open_count": 1}}

    def shutdown(self) -> None:
        self.is_shut_down = True
