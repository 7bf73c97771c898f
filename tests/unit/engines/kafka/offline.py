"""kafka-python's own consumer and producer, whole and running, with no
broker behind them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import kafka
from kafka.cluster import ClusterMetadata
from kafka.net.compat import KafkaNetClient
from kafka.producer.transaction_manager import ProducerIdAndEpoch, TransactionState
from kafka.protocol.metadata import FindCoordinatorResponse, MetadataResponse

from tests.waiting import until

NOWHERE = "127.0.0.1:1"
_OPTIONS = {
    "bootstrap_servers": NOWHERE,
    # What the library would ask a broker for before anything else.
    "api_version": (4, 0),
    # No more tries to connect than one.
    "reconnect_backoff_ms": 60_000,
    "reconnect_backoff_max_ms": 60_000,
    "metrics_enabled": False,
}


@contextmanager
def offline_consumer(**options: object) -> Iterator[kafka.KafkaConsumer]:
    """Make a consumer of a group."""
    consumer = kafka.KafkaConsumer(group_id="group", **{**_OPTIONS, **options})
    try:
        yield consumer
    finally:
        consumer.close(autocommit=False, timeout_ms=100)


@contextmanager
def offline_producer(**options: object) -> Iterator[kafka.KafkaProducer]:
    """Make an idempotent producer, with its sender's thread."""
    producer = kafka.KafkaProducer(**{**_OPTIONS, "enable_idempotence": True, **options})
    try:
        yield producer
    finally:
        producer._sender.force_close()
        producer._sender.join(10.0)
        producer.close(timeout=0)


def cluster_of(client: KafkaNetClient, topic: str) -> ClusterMetadata:
    """Let a client know a broker, which nobody can reach, and a topic
    of one partition that it leads.
    """
    kinds = MetadataResponse.MetadataResponseTopic
    partition = kinds.MetadataResponsePartition(
        version=9,
        error_code=0,
        partition_index=0,
        leader_id=0,
        leader_epoch=0,
        replica_nodes=[0],
        isr_nodes=[0],
        offline_replicas=[],
    )
    found = kinds(version=9, error_code=0, name=topic, is_internal=False, partitions=[partition])
    broker = MetadataResponse.MetadataResponseBroker(
        version=9, node_id=0, host="127.0.0.1", port=1, rack=None
    )
    client.cluster.update_metadata(
        MetadataResponse(
            version=9,
            throttle_time_ms=0,
            brokers=[broker],
            cluster_id="c",
            controller_id=0,
            topics=[found],
        )
    )
    return client.cluster


def coordinator_of(cluster: ClusterMetadata) -> str:
    """Let a cluster know that its only broker coordinates a group;
    gives the node id for requests to it.
    """
    response = FindCoordinatorResponse(
        version=3, error_code=0, node_id=0, host="127.0.0.1", port=1
    )
    return str(cluster.add_coordinator(response, "group", "group"))


def number(producer: kafka.KafkaProducer) -> None:
    """Give a producer the id that it asks a broker for.

    As soon as its thread asks, it forgets the one that it had.
    """
    manager = producer._transaction_manager
    until(lambda: manager._current_state is TransactionState.INITIALIZING, "a question for an id")
    with manager._lock:
        manager.set_producer_id_and_epoch(ProducerIdAndEpoch(7, 0))
