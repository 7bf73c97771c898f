"""`init` waits as long as it was told for what time can mend, and gives
up at once for the rest.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import cast

import pytest
from cassandra import (
    AuthenticationFailed,
    DriverException,
    InvalidRequest,
    OperationTimedOut,
    Unauthorized,
    Unavailable,
    UnresolvableContactPoints,
)
from cassandra.cluster import NoHostAvailable, Session
from cassandra.protocol import ErrorMessage

from angarium.domain.errors import SetupError
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import STATEMENT_S, KeyspaceReport, _Schema, prepare
from tests.fakes.clock import ManualClock
from tests.unit.engines.cassandra.driver import ClusterNode

ADDRESS = CassandraAddress([("cassandra.test", 9042)], "chat")
TIMEOUT_S = 20.0
READY = KeyspaceReport(2, 2)

MENDED_BY_TIME = {
    "no node answers": NoHostAvailable("none", {"127.0.0.1": OSError("refused")}),
    "a node that joins refuses the statement": NoHostAvailable(
        "none", {"127.0.0.1": Unavailable("joining")}
    ),
    "names are not known yet": UnresolvableContactPoints({}),
    "the login is not known yet": NoHostAvailable(
        "none", {"127.0.0.1": AuthenticationFailed("no such role")}
    ),
    "rights cannot be looked up yet": Unauthorized("cannot achieve consistency level"),
    "too few copies are up": Unavailable("two are needed"),
    "a node is slow": OperationTimedOut(),
    "nodes disagree on the schema": DriverException("no agreement"),
    "another init was sooner": InvalidRequest("the column exists"),
    "an error that the driver does not know": ErrorMessage(0x1700, "new", None),
    "a connection breaks": ConnectionResetError(),
}

Attempt = Callable[[CassandraAddress, int], KeyspaceReport]


def waits(clock: ManualClock, attempt: Attempt) -> KeyspaceReport:
    return prepare(ADDRESS, 2, TIMEOUT_S, attempt, clock.monotonic, clock.sleep)


@pytest.mark.parametrize("name", MENDED_BY_TIME)
def test_what_time_can_mend_is_waited_for_until_the_very_end(
    clock: ManualClock, name: str
) -> None:
    mended_at = clock.monotonic() + TIMEOUT_S - 0.1

    def attempt(_address: CassandraAddress, _replication: int) -> KeyspaceReport:
        if clock.monotonic() < mended_at:
            raise MENDED_BY_TIME[name]
        return READY

    assert waits(clock, attempt) == READY


@pytest.mark.parametrize("name", MENDED_BY_TIME)
def test_what_time_has_not_mended_is_told_when_it_is_up(clock: ManualClock, name: str) -> None:
    started = clock.monotonic()

    def attempt(_address: CassandraAddress, _replication: int) -> KeyspaceReport:
        raise MENDED_BY_TIME[name]

    with pytest.raises(SetupError, match="could not be prepared within 20 s"):
        waits(clock, attempt)
    assert TIMEOUT_S - 0.1 <= clock.monotonic() - started <= TIMEOUT_S


def test_what_time_cannot_mend_is_told_at_once(clock: ManualClock) -> None:
    started = clock.monotonic()

    def attempt(_address: CassandraAddress, _replication: int) -> KeyspaceReport:
        raise SetupError("keeps 3 copies")

    with pytest.raises(SetupError, match="keeps 3 copies"):
        waits(clock, attempt)
    assert clock.monotonic() == started


class Node:
    """Stands for a session on some nodes that answers what a test says,
    and keeps what it was asked.
    """

    def __init__(
        self, *, pools: int = 1, agreed: bool = True, columns: Sequence[object] = ()
    ) -> None:
        self._nodes = [ClusterNode(each) for each in range(pools, 0, -1)]
        self._agreed = agreed
        self._columns = columns
        self.changes: list[str] = []
        self.asked: set[object] = set()
        self.timeouts: set[object] = set()

    def as_session(self) -> Session:
        """Give it to whoever takes a session of the driver."""
        return cast("Session", self)

    def get_pool_state(self) -> dict[ClusterNode, dict[str, int]]:
        return {node: {"open_count": 1} for node in self._nodes}

    def execute(self, query: str, *_values: object, timeout: float, host: ClusterNode) -> object:
        self.asked.add(host.endpoint)
        self.timeouts.add(timeout)
        if query.startswith("SELECT"):
            return self._columns
        self.changes.append(query)
        return SimpleNamespace(response_future=SimpleNamespace(is_schema_agreed=self._agreed))


def test_a_node_that_has_gone_while_it_was_asked_is_waited_for() -> None:
    with pytest.raises(DriverException, match="no node"):
        _Schema(Node(pools=0).as_session(), ADDRESS)


def test_a_keyspace_that_is_not_visible_yet_is_waited_for() -> None:
    with pytest.raises(DriverException, match="not visible"):
        _Schema(Node().as_session(), ADDRESS).make_keyspace(2)


def test_nodes_that_do_not_agree_yet_are_waited_for() -> None:
    with pytest.raises(DriverException, match="do not agree"):
        _Schema(Node(agreed=False).as_session(), ADDRESS).make_tables()


def test_all_changes_go_through_one_node_the_same_for_everybody_and_have_a_bound() -> None:
    node = Node(pools=3)
    _Schema(node.as_session(), ADDRESS).make_tables()
    made = [change.split()[5] for change in node.changes]
    tables = (
        "users",
        "conversations",
        "conversations_by_user",
        "messages",
        "message_index",
        "inboxes",
        "presence",
        "log_starts",
        "imports",
    )
    assert made == [f'"chat".{table}' for table in tables]
    assert node.asked == {1}
    assert node.timeouts == {STATEMENT_S}


def test_only_what_is_lacking_is_made() -> None:
    node = Node(columns=[("presence", "user_id")])
    _Schema(node.as_session(), ADDRESS).make_tables()
    assert 'ALTER TABLE "chat".presence ADD seen_at bigint' in node.changes
    assert not [change for change in node.changes if "EXISTS" in change and ".presence" in change]


def test_each_table_that_is_made_is_named_while_it_is_made() -> None:
    shown: list[str] = []
    _Schema(Node().as_session(), ADDRESS, shown.append).make_tables()
    assert shown[0] == "making table 1 of 9 in Cassandra, users"
    assert shown[-1] == "making table 9 of 9 in Cassandra, imports"


def test_what_is_waited_for_is_named_with_its_reason() -> None:
    shown: list[str] = []
    answers = iter([DriverException("nobody is there"), None])

    def attempt(address: CassandraAddress, replication: int) -> KeyspaceReport:
        if (error := next(answers)) is not None:
            raise error
        return KeyspaceReport(2, 2)

    prepare(ADDRESS, 2, 5.0, attempt, sleep=lambda _: None, show=shown.append)
    (line,) = shown
    assert line.startswith("waiting for Cassandra at ")
    assert line.endswith(": nobody is there")
