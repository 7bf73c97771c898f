import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import cast

import pytest
from cassandra.cluster import Cluster, Session

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.connector import DISCONNECTED_S, Connector, DisconnectedTimer
from angarium.engines.cassandra.prepared_session import PreparedSession, listens
from tests.engines.ports import free_port
from tests.fakes.clock import ManualClock

GIVE_UP_S = 30.0
ADDRESS = CassandraAddress([("cassandra.test", 9042)])


class Driver:
    """Stands for the driver's cluster and session: has nodes or none,
    and may be shut down.
    """

    def __init__(self) -> None:
        self.open_count = 1
        self.ended = threading.Event()
        self.looks = 0

    def shutdown(self) -> None:
        self.ended.set()

    def get_pool_state(self) -> dict[str, dict[str, int]]:
        self.looks += 1
        return {"127.0.0.1:1": {"open_count": 0}, "127.0.0.2:1": {"open_count": self.open_count}}


class Nodes:
    """Stand for the cluster behind the contact points."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.listening = True
        self.failure: Exception | None = None
        self.refused = self.knocks = 0
        self.made: list[Driver] = []
        self.while_connecting: Callable[[], None] = lambda: None

    def listens(self, _address: CassandraAddress) -> bool:
        self.knocks += 1
        return self.listening

    def connect(self, _address: CassandraAddress) -> PreparedSession:
        if self.failure is not None:
            self.refused += 1
            raise self.failure
        self.while_connecting()
        driver = Driver()
        self.made.append(driver)
        return PreparedSession(cast("Cluster", driver), cast("Session", driver), {})

    def leave(self) -> None:
        """Be gone from all addresses that are known, for long."""
        driver = self.made[-1]
        driver.open_count = 0
        looked = driver.looks
        eventually(lambda: driver.looks > looked + 1)
        self.clock.advance(DISCONNECTED_S)


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


@pytest.fixture
def connector(nodes: Nodes) -> Iterator[Connector]:
    connector = Connector(
        ADDRESS, nodes.connect, nodes.listens, nodes.clock.monotonic, check_interval_s=0.001
    )
    assert connector.await_connection(GIVE_UP_S)
    yield connector
    connector.close()


def eventually(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + GIVE_UP_S
    while not condition():
        assert time.monotonic() < give_up_at
        threading.Event().wait(0.001)


def asks(connector: Connector) -> Driver:
    """Give whom questions go to."""
    return cast("Driver", connector.require().session)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        cast("str", vars(each)["action"])
        for each in caplog.records
        if each.name == "angarium.engines.cassandra"
    ]


def test_while_a_node_is_connected_nobody_connects_anew(
    nodes: Nodes, connector: Connector
) -> None:
    (driver,) = nodes.made
    nodes.clock.advance(3_600)
    looked = driver.looks
    eventually(lambda: driver.looks > looked + 10)
    assert (nodes.knocks, asks(connector)) == (0, driver)


def test_nodes_that_are_gone_for_a_moment_are_left_to_the_driver(
    nodes: Nodes, connector: Connector
) -> None:
    (driver,) = nodes.made
    driver.open_count = 0
    looked = driver.looks
    eventually(lambda: driver.looks > looked + 1)
    nodes.clock.advance(DISCONNECTED_S - 0.1)
    looked = driver.looks
    eventually(lambda: driver.looks > looked + 10)
    assert (nodes.knocks, asks(connector)) == (0, driver)


def test_nodes_that_are_gone_for_long_are_looked_for_at_the_contact_points(
    nodes: Nodes, connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    (lost,) = nodes.made
    caplog.set_level("INFO", logger="angarium")
    nodes.leave()
    eventually(lambda: asks(connector) is not lost)
    assert nodes.made == [lost, asks(connector)]
    assert lost.ended.wait(GIVE_UP_S)
    assert not asks(connector).ended.is_set()
    eventually(lambda: told(caplog) == ["store_reconnected"])


def test_it_happens_again_when_they_go_again(nodes: Nodes, connector: Connector) -> None:
    for _ in range(2):
        lost = asks(connector)
        nodes.leave()
        eventually(partial(lambda lost: asks(connector) is not lost, lost))


def test_while_nobody_listens_there_either_nothing_is_built_and_nothing_is_told(
    nodes: Nodes, connector: Connector, caplog: pytest.LogCaptureFixture
) -> None:
    (lost,) = nodes.made
    nodes.listening = False
    nodes.leave()
    eventually(lambda: nodes.knocks >= 2)
    assert nodes.made == [lost]
    assert asks(connector) is lost
    assert told(caplog) == []
    nodes.listening = True
    eventually(lambda: asks(connector) is not lost)


def test_whoever_cannot_be_used_there_is_tried_again(nodes: Nodes, connector: Connector) -> None:
    (lost,) = nodes.made
    nodes.failure = OSError("starting")
    nodes.leave()
    eventually(lambda: nodes.refused >= 2)
    assert asks(connector) is lost
    nodes.failure = None
    eventually(lambda: asks(connector) is not lost)


def test_when_the_driver_was_sooner_its_calls_go_on(nodes: Nodes, connector: Connector) -> None:
    (driver,) = nodes.made
    nodes.while_connecting = lambda: setattr(driver, "open_count", 1)
    nodes.leave()
    eventually(lambda: len(nodes.made) == 2)
    assert nodes.made[1].ended.wait(GIVE_UP_S)
    assert asks(connector) is driver
    assert not driver.ended.is_set()


def test_whoever_was_found_while_closing_is_let_go(nodes: Nodes, connector: Connector) -> None:
    connecting, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        connecting.set()
        go_on.wait(GIVE_UP_S)

    nodes.while_connecting = wait
    nodes.leave()
    assert connecting.wait(GIVE_UP_S)
    closing = threading.Thread(target=connector.close)
    closing.start()
    eventually(lambda: refused(connector))
    go_on.set()
    closing.join(GIVE_UP_S)
    assert len(nodes.made) == 2
    assert all(driver.ended.wait(GIVE_UP_S) for driver in nodes.made)
    assert refused(connector)


def refused(connector: Connector) -> bool:
    with suppress(StoreUnavailable):
        connector.require()
        return False
    return True


def test_closing_ends_a_search(nodes: Nodes, connector: Connector) -> None:
    nodes.listening = False
    nodes.leave()
    eventually(lambda: nodes.knocks >= 1)
    connector.close()
    eventually(lambda: not connector._thread.is_alive())


def test_a_port_where_somebody_listens_is_told_from_one_where_nobody_does() -> None:
    silent = ("127.0.0.1", free_port())
    assert not listens(CassandraAddress([silent]))
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert listens(CassandraAddress([silent, server.getsockname()]))


def test_an_absence_is_long_after_its_time_and_not_before() -> None:
    clock = ManualClock()
    timer = DisconnectedTimer(5.0, clock.monotonic)
    assert not timer.has_expired(connected=False)
    clock.advance(4.9)
    assert not timer.has_expired(connected=False)
    clock.advance(0.1)
    assert timer.has_expired(connected=False)


def test_whoever_was_there_in_between_is_absent_from_then_on() -> None:
    clock = ManualClock()
    timer = DisconnectedTimer(5.0, clock.monotonic)
    for connected in (False, True, False):
        clock.advance(4.0)
        assert not timer.has_expired(connected)
    clock.advance(4.0)
    assert not timer.has_expired(connected=False)
    clock.advance(1.0)
    assert timer.has_expired(connected=False)


def test_nobody_is_absent_before_the_first_look() -> None:
    clock = ManualClock()
    timer = DisconnectedTimer(5.0, clock.monotonic)
    clock.advance(60.0)
    assert not timer.has_expired(connected=False)
