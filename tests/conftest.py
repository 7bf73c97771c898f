"""Real servers, one start a test session, for every test that asks for
one by a fixture's name.

In this order: what ANGARIUM_TEST_KAFKA and ANGARIUM_TEST_CASSANDRA
name; processes of our own, when there is Java 17 (and Maven, the first
time); a skip, with one loud line. Under CI=true nothing is skipped.
"""

import gc
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from hypothesis import settings

from tests.engines.cassandra_server import CassandraCluster
from tests.engines.certificates import Certificates
from tests.engines.kafka_server import KafkaServer
from tests.engines.missing import Missing

pytest_plugins = ["tests.flaky"]

# No test asserts a speed: a busy machine must not fail a property.
settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("long", deadline=None, max_examples=80)
settings.load_profile("quick")

GROUPS = ("faults", "servers", "browser", "own nodes", "kafka", None)
"""Each named one is run by one process, in this order. Those with
servers mostly wait for them, so the longest come first, and the rest
fills what is left; one browser is enough.
"""


class Worker(Protocol):
    """A process that runs some of the tests, as pytest-xdist
    shows it.
    """

    config: pytest.Config


Server = TypeVar("Server", KafkaServer, CassandraCluster)
Result = TypeVar("Result")

_lacking = pytest.StashKey[dict[str, str]]()
_folders = pytest.StashKey[list[Path]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_lacking] = {}
    config.stash[_folders] = []
    # A shell ignores Ctrl-C for what it runs in the background, and so
    # would every program that a test starts and interrupts.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("engines"):
            item.add_marker(
                pytest.mark.filterwarnings(
                    "ignore:unclosed <(socket|ssl.SSLSocket):ResourceWarning"
                )
            )
            item.add_marker(pytest.mark.xdist_group(_servers_of(item)))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: GROUPS.index(_group(item)))


def _servers_of(item: pytest.Item) -> str:
    """Name the group that a test on real servers is in: each group has
    servers of its own, and one process that waits for them.
    """
    if item.get_closest_marker("own_nodes"):
        return "own nodes"
    folder = item.path.parent.name
    if folder == "kafka":
        # A broker is all that they need, and "servers" is the longest.
        return "kafka"
    return "faults" if folder == "faults" or item.get_closest_marker("storm") else "servers"


def _group(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Clear away what both drivers leave to the garbage collector
    before tests that know no server.
    """
    if item.get_closest_marker("engines") and not (
        nextitem and nextitem.get_closest_marker("engines")
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what this process knows to the one that prints the summary,
    where several share the tests.
    """
    stash, output = session.config.stash, getattr(session.config, "workeroutput", None)
    if output is not None:
        output["lacking"] = stash[_lacking]
        output["folders"] = [str(folder) for folder in stash[_folders]]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Worker) -> None:
    output = getattr(node, "workeroutput", {})
    node.config.stash[_lacking].update(output.get("lacking", {}))
    node.config.stash[_folders].extend(Path(folder) for folder in output.get("folders", []))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for server, advice in config.stash[_lacking].items():
        terminalreporter.write_line(f"NOT TESTED on real {server}: {advice}", red=True, bold=True)
    for folder in config.stash[_folders]:
        if folder.exists():
            terminalreporter.write_line(f"The servers' logs are in {folder}")


@pytest.fixture(scope="session")
def _own_kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaServer]:
    folder = tmp_path_factory.mktemp("kafka")
    certificates = Certificates(folder / "certificates", "127.0.0.1")
    server = KafkaServer(folder, certificates=certificates)
    yield from _served(request, "Kafka", server, server.folder)


@pytest.fixture(scope="session")
def _own_cassandra(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CassandraCluster]:
    yield from _cassandra(request, tmp_path_factory.mktemp("cassandra"), nodes=2)


@pytest.fixture(scope="session")
def _own_node(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CassandraCluster]:
    yield from _cassandra(request, tmp_path_factory.mktemp("cassandra-node"), nodes=1)


@pytest.fixture(scope="module")
def cassandra_trio(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CassandraCluster]:
    """Three nodes of ours, for the tests of one module."""
    yield from _cassandra(request, tmp_path_factory.mktemp("cassandra-trio"), nodes=3)


@pytest.fixture(scope="module")
def guarded_cassandra(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[CassandraCluster, Certificates]]:
    """One node of ours that asks for a password, over encrypted
    connections alone.
    """
    folder = tmp_path_factory.mktemp("cassandra-guarded")
    certificates = Certificates(folder / "certificates", "127.0.0.1")
    for cluster in _cassandra(request, folder, 1, certificates):
        yield cluster, certificates


def _cassandra(
    request: pytest.FixtureRequest,
    folder: Path,
    nodes: int,
    certificates: Certificates | None = None,
) -> Iterator[CassandraCluster]:
    make = partial(CassandraCluster, folder, nodes, certificates=certificates)
    cluster = _or_skip(request, "Cassandra", make)
    yield from _served(request, "Cassandra", cluster, folder)


@pytest.fixture
def marked(request: pytest.FixtureRequest) -> None:
    """See that a test says that it needs servers: by that it is put in
    order, and left out.
    """
    if not request.node.get_closest_marker("engines"):
        pytest.fail("a test on real servers has to be marked: pytest.mark.engines", pytrace=False)


@pytest.fixture
def kafka_server(_own_kafka: KafkaServer, marked: None) -> Iterator[KafkaServer]:
    """A broker of ours, which a test may freeze, kill and start
    again.
    """
    yield _own_kafka
    _own_kafka.start()


@pytest.fixture
def cassandra_cluster(
    _own_cassandra: CassandraCluster, marked: None
) -> Iterator[CassandraCluster]:
    """Two nodes of ours, which a test may freeze, kill and start
    again.
    """
    yield _own_cassandra
    _own_cassandra.start()


@pytest.fixture
def cassandra_node(_own_node: CassandraCluster, marked: None) -> Iterator[CassandraCluster]:
    """A single node of ours, up sooner than two, which a test may
    freeze, kill and start again.
    """
    yield _own_node
    _own_node.start()


@pytest.fixture(scope="session")
def steady_kafka(request: pytest.FixtureRequest) -> str:
    """The address of a broker for what lives longer than a test; tests
    of faults may take it away.
    """
    named = os.environ.get("ANGARIUM_TEST_KAFKA")
    return named or request.getfixturevalue("_own_kafka").address


@pytest.fixture(scope="session")
def steady_cassandra(request: pytest.FixtureRequest) -> str:
    """The addresses of Cassandra nodes for what lives longer than a
    test; as above.
    """
    named = os.environ.get("ANGARIUM_TEST_CASSANDRA")
    return named or request.getfixturevalue("_own_cassandra").address


@pytest.fixture
def kafka(request: pytest.FixtureRequest) -> str:
    """The address of a broker that stays up."""
    named = os.environ.get("ANGARIUM_TEST_KAFKA")
    return named or request.getfixturevalue("kafka_server").address


@pytest.fixture
def cassandra(request: pytest.FixtureRequest) -> str:
    """The addresses of Cassandra nodes that stay up."""
    named = os.environ.get("ANGARIUM_TEST_CASSANDRA")
    return named or request.getfixturevalue("cassandra_cluster").address


def _served(
    request: pytest.FixtureRequest, name: str, server: Server, folder: Path
) -> Iterator[Server]:
    _or_skip(request, name, server.start)
    request.config.stash[_folders].append(folder)
    yield server
    server.kill()
    if request.session.testsfailed == 0:
        shutil.rmtree(folder, ignore_errors=True)


def _or_skip(request: pytest.FixtureRequest, name: str, start: Callable[[], Result]) -> Result:
    try:
        return start()
    except Missing as lacking:
        advice = f"{lacking}; or set ANGARIUM_TEST_{name.upper()}=host:port"
        if os.environ.get("CI") == "true":
            pytest.fail(advice, pytrace=False)
        request.config.stash[_lacking][name] = advice
        pytest.skip(advice)
