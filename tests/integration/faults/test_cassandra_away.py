"""Cassandra goes away and comes back: Kafka takes everything meanwhile,
and it is stored by itself.
"""

import pytest

from tests.acceptance.service import Service, until
from tests.engines.cassandra_server import CassandraCluster
from tests.integration.faults.chat_load import ChatLoad, chat_load
from tests.integration.faults.cluster import Cluster, await_work, logged

ROUND = 60
RETURN_S = 40.0
"""The worker stores within 15 s; the rest is for a busy machine."""

pytestmark = [pytest.mark.engines, pytest.mark.storm]


def test_while_cassandra_is_silent_sends_are_taken_and_stored_when_it_is_back(
    service: Cluster, cassandra_cluster: CassandraCluster
) -> None:
    service.api()
    worker = service.worker()
    with chat_load(service) as load:
        load.await_more(ROUND)
        await_work(worker)
        for node in cassandra_cluster.nodes:
            node.freeze()
        await_nothing_stored(load, worker)
        cassandra_cluster.start()
        await_return(load, worker)


@pytest.mark.long
def test_while_one_copy_or_both_are_dead_sends_are_taken_and_stored_when_they_are_back(
    service: Cluster, cassandra_cluster: CassandraCluster
) -> None:
    service.api()
    worker = service.worker()
    one, other = cassandra_cluster.nodes
    with chat_load(service) as load:
        load.await_more(ROUND)
        await_work(worker)
        # Two copies and a quorum of two: a single node's absence stops
        # the store.
        one.kill()
        await_nothing_stored(load, worker)
        other.kill()
        await_nothing_stored(load, worker)
        # What it has read and not stored is read again by whoever comes
        # next.
        worker.kill()
        worker.start()
        cassandra_cluster.start()
        await_return(load, worker)


def await_nothing_stored(load: ChatLoad, worker: Service) -> None:
    """See that messages are accepted while the worker waits."""
    await_outage(worker)
    stored = len(logged(worker, "message_stored"))
    load.await_more(2 * ROUND)
    assert len(logged(worker, "message_stored")) == stored


def await_return(load: ChatLoad, worker: Service) -> None:
    await_work(worker, ROUND, RETURN_S)
    load.await_more(ROUND)


def await_outage(worker: Service) -> None:
    """Wait until the worker has had no answer for longer than the
    driver waits for one.
    """
    before = len(logged(worker, "retry"))
    until(lambda: len(logged(worker, "retry")) > before, "the worker misses Cassandra")
