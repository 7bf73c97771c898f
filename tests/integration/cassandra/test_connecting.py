"""A session connects by itself, whatever the servers do, and lets go in
time.
"""

import logging
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from uuid import uuid4

import pytest

from angarium.deadline import within
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.connector import CLOSE_S
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.schema import KeyspaceReport, prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import CONNECT_S, PREPARE_S, connected
from tests.engines.ports import free_port
from tests.integration.cassandra.availability import (
    BOUND_S,
    RECOVERY_S,
    SLACK_S,
    query_error,
    until_it_answers,
)
from tests.integration.cassandra.conftest import OpenSession

ASK_AND_END = """
import sys
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.users import CassandraUsers
session = CassandraSession(CassandraAddress([(sys.argv[1], int(sys.argv[2]))]))
print("connected", session.await_connection(60.0), flush=True)
sys.stdin.readline()
try:
    print(CassandraUsers(session).all())
except StoreUnavailable:
    print("unavailable", flush=True)
if sys.argv[3] == "close":
    session.close()
"""


def find(session: CassandraSession) -> "Future[Rows]":
    return session.submit(Statement.CONVERSATION, (uuid4(),))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_sessions_and_init_that_begin_before_their_node_is_up_get_through_by_themselves(
    cassandra_node: CassandraCluster, on_node: CassandraAddress, open_session: OpenSession
) -> None:
    cassandra_node.kill()
    session = open_session(on_node)
    assert not session.await_connection(1.0)
    assert "cannot be used yet" in str(query_error(session))
    with ThreadPoolExecutor(1) as pool:
        preparing = pool.submit(prepare, on_node, 1, 120.0)
        cassandra_node.start()
        assert preparing.result(120.0) == KeyspaceReport(replication=1, nodes=1)
    assert session.await_connection(RECOVERY_S)
    until_it_answers(lambda: session.execute(Statement.CONVERSATION, (uuid4(),)))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_session_opened_before_its_keyspace_is_made_says_so_and_connects_by_itself(
    on_node: CassandraAddress,
    keyspace: str,
    open_session: OpenSession,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = replace(on_node, keyspace=keyspace)
    session = open_session(address)
    assert not session.await_connection(1.0)
    (told, *_) = [
        vars(each) for each in caplog.records if each.name == "angarium.engines.cassandra"
    ]
    assert "`angarium init` must have created the keyspace" in str(told)
    assert f"{keyspace} does not exist" in str(told)
    prepare(address, 1, PREPARE_S)
    assert session.await_connection(RECOVERY_S)
    assert query_error(session) is None


@pytest.mark.engines
@pytest.mark.own_nodes
def test_the_server_has_nothing_to_say_against_the_statements(
    cassandra_node: CassandraCluster, on_node: CassandraAddress, open_session: OpenSession
) -> None:
    session = open_session(on_node)
    assert session.await_connection(CONNECT_S)
    assert query_error(session) is None
    assert "anti-pattern" not in cassandra_node.nodes[0].said()


def test_what_is_asked_before_the_connection_is_refused_at_once(open_session: OpenSession) -> None:
    session = open_session(CassandraAddress([("127.0.0.1", free_port())]))
    future = find(session)
    assert future.done()
    assert isinstance(future.exception(), StoreUnavailable)


def test_a_setting_that_the_driver_refuses_is_told_and_tried_again(
    open_session: OpenSession, caplog: pytest.LogCaptureFixture
) -> None:
    # A line in a while is a warning, each other try's is for whoever
    # looks closely.
    caplog.set_level(logging.DEBUG, "angarium.engines.cassandra")
    session = open_session(CassandraAddress([("127.0.0.1", free_port())], consistency="NO_SUCH"))
    assert not session.await_connection(1.0)
    told = [each for each in caplog.records if each.name == "angarium.engines.cassandra"]
    assert len(told) > 1


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_connected_session_asks_no_node_without_a_deadline(on_node: CassandraAddress) -> None:
    with (
        closing(connected(on_node)) as session,
        within(0.0),
        pytest.raises(StoreUnavailable, match="the deadline passed"),
    ):
        session.execute(Statement.CONVERSATION, (uuid4(),))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_deadline_ends_a_wait_for_a_frozen_node(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    with closing(connected(on_node)) as session:
        cassandra_node.nodes[0].freeze()
        assert query_error(session, seconds=0.2) is not None
        cassandra_node.nodes[0].resume()
        until_it_answers(lambda: session.execute(Statement.CONVERSATION, (uuid4(),)))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_a_future_that_somebody_cancels_still_ends(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    with closing(connected(on_node)) as session:
        cassandra_node.nodes[0].freeze()
        future = find(session)
        assert not future.cancel()
        cassandra_node.nodes[0].resume()
        assert list(future.result(BOUND_S + SLACK_S)) == []


@pytest.mark.engines
@pytest.mark.own_nodes
def test_closing_ends_what_is_in_flight_and_refuses_what_comes(
    cassandra_node: CassandraCluster, on_node: CassandraAddress
) -> None:
    session = connected(on_node)
    cassandra_node.nodes[0].freeze()
    futures = [find(session) for _ in range(50)]
    started = time.monotonic()
    session.close()
    session.close()
    assert time.monotonic() - started < CLOSE_S + SLACK_S
    for future in futures:
        assert isinstance(future.exception(BOUND_S + SLACK_S), StoreUnavailable)
    with pytest.raises(StoreUnavailable, match="closed"):
        session.execute(Statement.CONVERSATION, (uuid4(),))


@pytest.mark.engines
@pytest.mark.own_nodes
def test_closing_does_not_wait_for_a_driver_that_hangs(
    on_node: CassandraAddress, caplog: pytest.LogCaptureFixture
) -> None:
    session, released = connected(on_node), threading.Event()
    session._connector.require().session.submit(released.wait, 60.0)
    started = time.monotonic()
    session.close()
    assert time.monotonic() - started < CLOSE_S + SLACK_S
    assert "did not disconnect" in caplog.text
    released.set()


@pytest.mark.engines
@pytest.mark.own_nodes
def test_closing_before_the_connection_leaves_no_thread(on_node: CassandraAddress) -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        CassandraSession(on_node).close()
    CassandraSession(CassandraAddress([("127.0.0.1", free_port())])).close()
    give_up_at = time.monotonic() + CONNECT_S
    # The driver has one thread for all connections of a process, for
    # ever.
    while [each for each in set(threading.enumerate()) - before if "event_loop" not in each.name]:
        assert time.monotonic() < give_up_at, threading.enumerate()


@pytest.mark.engines
@pytest.mark.own_nodes
@pytest.mark.parametrize("end", ["close", "leave"])
def test_a_process_ends_while_cassandra_is_frozen(
    cassandra_node: CassandraCluster, on_node: CassandraAddress, end: str
) -> None:
    ((host, port),) = on_node.contact_points
    asking = subprocess.Popen(
        [sys.executable, "-c", ASK_AND_END, host, str(port), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with asking:
        assert asking.stdout is not None
        assert asking.stdout.readline() == "connected True\n"
        cassandra_node.nodes[0].freeze()
        started = time.monotonic()
        out, _ = asking.communicate("go\n", timeout=60.0)
    assert out == "unavailable\n"
    assert asking.returncode == 0
    assert time.monotonic() - started < BOUND_S + 2 * CLOSE_S + SLACK_S
