"""Real Kafka and Cassandra for the measurements, as plain processes,
warmed up.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.population import SECRET, Population
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.java import LONG_RUN
from tests.engines.kafka_server import KafkaServer

PARTITIONS = 12
NODES = 2
INIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Engines:
    """A broker and two nodes.

    Attributes:
        folder: For everything that is written.
        kafka: As in ANGARIUM_KAFKA.
        cassandra: As in ANGARIUM_CASSANDRA.
        people: Who is known to every keyspace.
        broker: Kafka's process.
        nodes: Cassandra's.
    """

    folder: Path
    kafka: str
    cassandra: str
    people: Population
    broker: psutil.Process
    nodes: Sequence[psutil.Process]

    def prepare(self, name: str) -> Mapping[str, str]:
        """Make a topic and tables of a name, and give the settings for
        them.
        """
        settings = {
            "ANGARIUM_KAFKA": self.kafka,
            "ANGARIUM_CASSANDRA": self.cassandra,
            "ANGARIUM_JWT_SECRET": SECRET,
            "ANGARIUM_TOPIC": name,
            "ANGARIUM_GROUP": f"{name}-router",
            "ANGARIUM_KEYSPACE": name,
            "ANGARIUM_PARTITIONS": str(PARTITIONS),
            "ANGARIUM_USERS": str(self.people.users_file(self.folder / "users.json")),
            "BENCH_CONVERSATIONS": str(self.people.members_file(self.folder / "members.json")),
        }
        subprocess.run(
            [sys.executable, "-m", "angarium", "init"],
            env={**os.environ, **settings},
            check=True,
            capture_output=True,
            timeout=INIT_S,
        )
        return settings


@contextmanager
def engines(folder: Path, people: Population) -> Iterator[Engines]:
    """Run them for the length of a block."""
    kafka = KafkaServer(folder / "kafka", jvm=LONG_RUN)
    cassandra = CassandraCluster(folder / "cassandra", NODES, jvm=LONG_RUN)
    try:
        kafka.start()
        cassandra.start()
        yield Engines(
            folder,
            kafka.address,
            cassandra.address,
            people,
            psutil.Process(kafka.process.pid),
            [psutil.Process(node.process.pid) for node in cassandra.nodes],
        )
    finally:
        kafka.stop()
        cassandra.stop()
