"""Any number of instances of each half as processes, on real Kafka and
Cassandra.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

from angarium.clock import SystemClock
from angarium.domain.identifiers import user_id_for
from angarium.domain.partitioning import partition_for
from angarium.domain.user import Principal
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.engines.secrets.tokens import JwtSigner
from tests.acceptance.caller import conversation_id
from tests.acceptance.service import PATIENCE, Service, run_cli, until

PARTITIONS = 4
SECRET = "a key of thirty-two bytes or more"


class Cluster:
    """Instances with a topic, a group and people of their own; the
    keyspace may be shared.
    """

    def __init__(self, folder: Path, kafka: str, cassandra: str, keyspace: str) -> None:
        """Make the topics, the tables and four users, as an operator
        does.
        """
        name = next(name for name in _names() if len(_partitions(_people(name))) == PARTITIONS)
        self.names = _people(name)
        self.topic = f"messages-{name}"
        self.kafka = kafka
        self.folder = folder
        self.password = name
        users = folder / "users.json"
        password_hash = ScryptHasher().hash(name)
        users.write_text(
            json.dumps([{"username": each, "password_hash": password_hash} for each in self.names])
        )
        self.settings = {
            "ANGARIUM_KAFKA": kafka,
            "ANGARIUM_CASSANDRA": cassandra,
            "ANGARIUM_KEYSPACE": keyspace,
            "ANGARIUM_TOPIC": self.topic,
            "ANGARIUM_GROUP": f"router-{name}",
            "ANGARIUM_PARTITIONS": str(PARTITIONS),
            "ANGARIUM_JWT_SECRET": SECRET,
            "ANGARIUM_USERS": str(users),
        }
        self.apis: list[Service] = []
        self.workers: list[Service] = []
        done = self.run("init")
        assert done.returncode == 0, done.stderr

    @property
    def urls(self) -> list[str]:
        return [api.url for api in self.apis]

    def run(self, *arguments: str) -> "CompletedProcess[str]":
        """Run one command to its end, with the settings of every
        instance.
        """
        return run_cli(*arguments, stdin="", patience=PATIENCE, **self.settings)

    def token(self, name: str) -> str:
        """Log in somebody without a request."""
        signer = JwtSigner(SECRET, "angarium", "angarium", 3_600)
        return signer.issue(Principal(user_id_for(name), name), SystemClock().now_ms())

    def api(self) -> Service:
        """Start one more instance of the API."""
        instance = self._instance("api")
        self.apis.append(instance)
        return instance.start()

    def worker(self, **settings: str) -> Service:
        """Start one more instance of the worker."""
        instance = self._instance("worker", **settings)
        self.workers.append(instance)
        return instance.start()

    def close(self) -> None:
        """End every process; frozen ones too."""
        for instance in (*self.apis, *self.workers):
            instance.close()

    def _instance(self, command: str, **settings: str) -> Service:
        folder = self.folder / f"{command}-{len(self.apis) + len(self.workers)}"
        folder.mkdir()
        return Service(folder, (command,), **{**self.settings, **settings})


def _names() -> Iterator[str]:
    while True:
        yield uuid4().hex[:8]


def _people(name: str) -> list[str]:
    return [f"{one}-{name}" for one in ("alice", "bob", "carol", "dave")]


def _partitions(people: Sequence[str]) -> set[int]:
    """Give the partitions that are used when everybody talks to
    everybody.
    """
    pairs = combinations(people, 2)
    return {partition_for(conversation_id(*pair).encode(), PARTITIONS) for pair in pairs}


@contextmanager
def cluster(folder: Path, kafka: str, cassandra: str, keyspace: str) -> Iterator[Cluster]:
    """Give a cluster without instances, which end with the block."""
    made = Cluster(folder, kafka, cassandra, keyspace)
    try:
        yield made
    finally:
        made.close()


def logged(instance: Service, action: str) -> list[Mapping[str, object]]:
    """Give an instance's log lines of one action."""
    return [line for line in instance.log_lines() if line["action"] == action]


def await_work(worker: Service, more: int = 1, patience: float = PATIENCE) -> None:
    """Wait until a worker has stored so many more messages."""
    before = len(logged(worker, "message_stored"))
    until(
        lambda: len(logged(worker, "message_stored")) >= before + more,
        "a worker stores more",
        patience,
    )
