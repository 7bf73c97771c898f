"""Cassandra goes away and comes back: Kafka takes everything meanwhile, and it is stored by itself."""

from collections.abc import Callable

import pytest

from tests.acceptance.service import Service, until
from tests.engines.cassandra_server import CassandraCluster
from tests.integration.faults.cluster import Cluster, await_work, logged
from tests.integration.faults.crowd import talking

ROUND = 60
RETURN_SECONDS = 40.0
"""The worker stores within 15 s; the rest is for a busy machine."""

pytestmark = pytest.mark.storm


def freeze_all(cassandra: CassandraCluster) -> None:
    for node in cassandra.nodes:
        node.freeze()


def kill_one(cassandra: CassandraCluster) -> None:
    """Two copies and a quorum of two: a single node's absence stops the store."""
    cassandra.nodes[0].kill()


def kill_all(cassandra: CassandraCluster) -> None:
    cassandra.kill()


@pytest.mark.parametrize("take_away", [freeze_all, kill_one, kill_all])
def test_while_cassandra_is_away_sends_are_taken_and_stored_when_it_is_back(
    service: Cluster, cassandra_cluster: CassandraCluster, take_away: Callable[[CassandraCluster], None]
) -> None:
    service.api()
    worker = service.worker()
    with talking(service) as crowd:
        crowd.await_more(ROUND)
        await_work(worker)
        take_away(cassandra_cluster)
        await_outage(worker)
        stored = len(logged(worker, "message_stored"))
        crowd.await_more(2 * ROUND)
        assert len(logged(worker, "message_stored")) == stored
        cassandra_cluster.start()
        await_work(worker, ROUND, RETURN_SECONDS)
        crowd.await_more(ROUND)


def await_outage(worker: Service) -> None:
    """Wait until the worker has had no answer for longer than the driver waits for one."""
    before = len(logged(worker, "retry"))
    until(lambda: len(logged(worker, "retry")) > before, "the worker misses Cassandra")
