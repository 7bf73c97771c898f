from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.engines.kafka.connection import KafkaConnectionSettings
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.engines.kafka_topics import delete_topics
from tests.integration.faults.cluster import Cluster, cluster


@pytest.fixture(scope="session")
def keyspace() -> str:
    """One keyspace for all: making its tables on two nodes costs more
    than a test.
    """
    return f"faults_{uuid4().hex[:8]}"


@pytest.fixture
def service(
    tmp_path: Path, kafka_server: KafkaServer, cassandra_cluster: CassandraCluster, keyspace: str
) -> Iterator[Cluster]:
    """A prepared cluster without instances, on servers that a test may
    take away.
    """
    with cluster(tmp_path, kafka_server.address, cassandra_cluster.address, keyspace) as made:
        yield made
    kafka_server.start()
    delete_topics(KafkaConnectionSettings((kafka_server.address,)), made.topic)
