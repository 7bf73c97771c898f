"""The experiments of `docs/lab.md` do what the page says, typed into
real shells.
"""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.acceptance.experiment import Experiment, experiment, shell_environment
from tests.acceptance.transcript import EACH_TERMINAL, section, steps
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.engines.ports import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text()
START = "Before you start"
START_OF_SERVERS = "Kafka and Cassandra"
EXPERIMENTS, ON_SERVERS = (
    re.findall(r"^## (\d+\. .+)$", part, re.MULTILINE)
    for part in PAGE.partition(f"\n## {START_OF_SERVERS}\n")[::2]
)

# They take a minute, and kill: too much for `make test-fast`.
pytestmark = pytest.mark.storm


class Laboratory:
    """What experiments share: a port, and where logins are kept."""

    def __init__(
        self,
        folder: Path,
        start: str,
        replaced: Mapping[str, str] | None = None,
        **variables: str,
    ) -> None:
        """Do what the page has to be done first.

        Args:
            folder: For that, and for the logins.
            start: The section that says what.
            replaced: Texts of the page that are others here.
            variables: Of every shell.
        """
        port = str(free_port())
        self._replaced = {"127.0.0.1:8080": f"127.0.0.1:{port}", **(replaced or {})}
        self._variables = shell_environment(
            ANGARIUM_PORT=port,
            ANGARIUM_URL=f"http://127.0.0.1:{port}",
            XDG_CONFIG_HOME=str(folder / "config"),
            **variables,
        )
        prepare = steps(section(PAGE, start))
        # What activates `.venv` is done already.
        self._first = [
            step
            for step in prepare
            if step.terminal == EACH_TERMINAL and ".venv" not in str(step.command)
        ]
        with self.experiment(folder) as made:
            made.run([step for step in prepare if step.terminal != EACH_TERMINAL])

    def experiment(self, folder: Path) -> AbstractContextManager[Experiment]:
        """Give an experiment with a folder of its own."""
        (folder / "var").mkdir(exist_ok=True)
        return experiment(folder, self._variables, self._first, self._replaced)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("lab"), START)


@pytest.mark.parametrize("title", EXPERIMENTS)
def test_an_experiment_prints_what_the_page_shows(
    title: str, laboratory: Laboratory, tmp_path: Path
) -> None:
    with laboratory.experiment(tmp_path) as made:
        made.run(steps(section(PAGE, title)))


@pytest.fixture(scope="module")
def prepared() -> list[Laboratory]:
    """The one laboratory on servers, once it is there: it outlives a
    test, and what gives it the servers does not.
    """
    return []


@pytest.fixture
def on_servers(
    prepared: list[Laboratory],
    tmp_path_factory: pytest.TempPathFactory,
    kafka_server: KafkaServer,
    cassandra_cluster: CassandraCluster,
) -> Iterator[Laboratory]:
    """Experiments on servers that they may freeze."""
    pids = {"KAFKA_PID": kafka_server.process.pid}
    for number, node in enumerate(cassandra_cluster.nodes, 1):
        pids[f"CASSANDRA_{number}_PID"] = node.process.pid
    if not prepared:
        name = uuid4().hex[:8]
        prepared.append(
            Laboratory(
                tmp_path_factory.mktemp("lab-on-servers"),
                START_OF_SERVERS,
                {
                    "topic messages": f"topic lab-{name}",
                    "keyspace angarium": f"keyspace lab_{name}",
                    "group router": f"group lab-{name}",
                },
                ANGARIUM_KAFKA=kafka_server.address,
                ANGARIUM_CASSANDRA=cassandra_cluster.address,
                ANGARIUM_TOPIC=f"lab-{name}",
                ANGARIUM_KEYSPACE=f"lab_{name}",
                ANGARIUM_GROUP=f"lab-{name}",
                ANGARIUM_JWT_SECRET="a secret of thirty-two bytes or more",
                **{variable: str(pid) for variable, pid in pids.items()},
            )
        )
    yield prepared[0]
    for pid in pids.values():
        os.kill(pid, signal.SIGCONT)


@pytest.mark.engines
@pytest.mark.timeout(300)
@pytest.mark.parametrize("title", ON_SERVERS)
def test_an_experiment_on_servers_prints_what_the_page_shows(
    title: str, on_servers: Laboratory, tmp_path: Path
) -> None:
    with on_servers.experiment(tmp_path) as made:
        made.run(steps(section(PAGE, title)))
