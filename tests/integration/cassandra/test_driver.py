"""What the driver does unless it is told otherwise, and that it is
told.
"""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from itertools import islice
from uuid import uuid4

import pytest
from cassandra import DriverException, OperationTimedOut
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, NoHostAvailable, ResponseFuture
from cassandra.policies import ExponentialReconnectionPolicy, RetryPolicy

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import (
    HEARTBEAT_S,
    RECONNECT_S,
    CassandraAddress,
)
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.contract.ports.chat import Chat, record
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import connected
from tests.engines.ports import free_port
from tests.integration.cassandra.availability import (
    BOUND_S,
    RECOVERY_S,
    SLACK_S,
    until_it_answers,
    until_it_fails,
)

MANY_TRIES = 1_000


@pytest.fixture
def built() -> Iterator[Cluster]:
    cluster = clusters.build(CassandraAddress([("127.0.0.1", free_port())]))
    yield cluster
    cluster.shutdown()


class CountingPolicy(RetryPolicy):  # type: ignore[misc]
    """The driver's policy, which notes whether it was asked
    anything.
    """

    asked = 0

    def on_request_error(self, *args: object, **kwargs: object) -> object:
        self.asked += 1
        return super().on_request_error(*args, **kwargs)

    def on_read_timeout(self, *args: object, **kwargs: object) -> object:
        self.asked += 1
        return super().on_read_timeout(*args, **kwargs)


def why(future: "Future[Rows]") -> BaseException | None:
    """Give what the driver said, behind the port's error."""
    error = future.exception(BOUND_S + SLACK_S)
    assert isinstance(error, StoreUnavailable)
    return error.__cause__


def test_reconnecting_never_gives_up_and_never_waits_long(built: Cluster) -> None:
    left_alone = ExponentialReconnectionPolicy(1.0, 600.0)
    assert len(list(islice(left_alone.new_schedule(), MANY_TRIES))) == 64
    waits = list(islice(built.reconnection_policy.new_schedule(), MANY_TRIES))
    assert len(waits) == MANY_TRIES
    assert max(waits) <= RECONNECT_S[1] * 1.15


def test_a_failed_connect_spoils_a_cluster_object(built: Cluster) -> None:
    with pytest.raises(NoHostAvailable):
        built.connect()
    with pytest.raises(DriverException, match="already shut down"):
        built.connect()


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_timeout_here_never_reaches_the_retry_policy(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    cluster = clusters.build(on_node)
    policy = CountingPolicy()
    cluster.profile_manager.profiles[EXEC_PROFILE_DEFAULT].retry_policy = policy
    try:
        driver = cluster.connect(on_node.keyspace)
        cassandra_node.nodes[0].freeze()
        with pytest.raises(OperationTimedOut):
            driver.execute("SELECT * FROM users", timeout=0.3)
        assert policy.asked == 0
    finally:
        cassandra_node.nodes[0].resume()
        cluster.shutdown()


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_question_ends_though_nobody_waits_for_it(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    with closing(connected(on_node)) as session:
        cassandra_node.nodes[0].freeze()
        future = session.submit(Statement.CONVERSATION, (uuid4(),))
        write = (Statement.ADD_TO_INDEX, (uuid4(), uuid4(), 0, 0, uuid4(), 0))
        batch = session.submit_batch([write] * 2)
        for each in (future, batch):
            assert isinstance(why(each), OperationTimedOut)


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_node_that_falls_silent_is_noticed_while_nobody_asks(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    with closing(connected(on_node)) as session:
        cassandra_node.nodes[0].freeze()
        give_up_at = time.monotonic() + 2 * HEARTBEAT_S + RECOVERY_S
        while not (future := session.submit(Statement.CONVERSATION, (uuid4(),))).done():
            assert time.monotonic() < give_up_at, "connections to a silent node are kept"
            future.exception(BOUND_S + SLACK_S)
        cassandra_node.nodes[0].resume()
        until_it_answers(lambda: session.execute(Statement.CONVERSATION, (uuid4(),)))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_without_a_node_the_answer_is_there_at_once(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    with closing(connected(on_node)) as session:
        cassandra_node.kill()
        until_it_fails(session)
        future = session.submit(Statement.CONVERSATION, (uuid4(),))
        assert future.done()
        assert isinstance(why(future), NoHostAvailable)


@pytest.mark.engines
def test_rows_are_bare_tuples(session: CassandraSession, chat: Chat) -> None:
    record(CassandraMessageWriter(session), chat.message())
    (row,) = session.execute(Statement.NEWEST, (chat.conversation_id, 10))
    assert type(row) is tuple


@pytest.mark.engines
def test_a_long_answer_comes_whole(session: CassandraSession, chat: Chat) -> None:
    # The driver cuts answers into pages of 5,000 and hands out the
    # first one alone.
    number, writes = 5_100, []
    user_id = uuid4()
    for _ in range(number):
        writes.append(session.submit(Statement.NOTE_NEWEST, (user_id, uuid4(), 0, 0, 0)))
        if len(writes) == 100:
            for write in writes:
                session.wait(write)
            writes.clear()
    assert len(session.execute(Statement.INBOX, (user_id,))) == number


@pytest.mark.engines
def test_nothing_keeps_an_answer_that_was_taken(session: CassandraSession, chat: Chat) -> None:
    # The driver's timer keeps a question for 2 s, and the garbage
    # collector is seldom asked.
    def kept() -> int:
        return sum(type(each) is ResponseFuture for each in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = kept()
        for _ in range(100):
            session.execute(Statement.NEWEST, (chat.conversation_id, 10))
        assert kept() <= before + 10
    finally:
        gc.enable()


@pytest.mark.engines
def test_what_cannot_be_bound_is_told_in_the_future(session: CassandraSession) -> None:
    too_much = session.submit(Statement.NEWER, (uuid4(), 2**63, 2**63, 10))
    assert isinstance(why(too_much), TypeError)
