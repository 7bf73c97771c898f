"""Making the keyspace and its tables."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import resources

import pytest

from angarium import wiring
from angarium.config import DEMO_USERS, Settings
from angarium.domain.errors import SetupError, StoreUnavailable
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import KeyspaceReport, prepare
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.cassandra_sessions import PREPARE_S, connected
from tests.engines.ports import free_port
from tests.integration.cassandra.availability import query_error, until_it_answers

WAIT_S = 120.0

PREPARE = """
import sys
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import prepare
host, port, keyspace = sys.argv[1:]
print(prepare(CassandraAddress([(host, int(port))], keyspace), 2, 60.0))
"""


@pytest.fixture
def address(cassandra_cluster: CassandraCluster, keyspace: str) -> CassandraAddress:
    return CassandraAddress(contact_points(cassandra_cluster.address), keyspace)


def table_ids(address: CassandraAddress) -> list[set[object]]:
    """Give the identity of each table as each node knows it."""
    query = "SELECT table_name, id FROM system_schema.tables WHERE keyspace_name = %s"
    found = []
    for point in address.contact_points:
        cluster = clusters.build(CassandraAddress([point]))
        try:
            session = cluster.connect(wait_for_all_pools=True)
            (host,) = [host for host in session.get_pool_state() if host.address == point[0]]
            found.append(set(session.execute(query, (address.keyspace,), host=host, timeout=30)))
        finally:
            cluster.shutdown()
    return found


@pytest.mark.engines
def test_a_keyspace_that_is_not_there_is_made_and_can_be_used(address: CassandraAddress) -> None:
    assert prepare(address, 2, PREPARE_S) == KeyspaceReport(replication=2, nodes=2)
    with closing(connected(address)) as session:
        assert query_error(session) is None


@pytest.mark.engines
def test_preparing_again_changes_nothing(address: CassandraAddress) -> None:
    prepare(address, 2, PREPARE_S)
    before = table_ids(address)
    assert prepare(address, 2, PREPARE_S) == KeyspaceReport(replication=2, nodes=2)
    assert table_ids(address) == before


@pytest.mark.engines
def test_racing_threads_on_different_nodes_make_one_keyspace(address: CassandraAddress) -> None:
    together = threading.Barrier(6)

    def race(number: int) -> KeyspaceReport:
        first = number % 2
        points = [address.contact_points[first], address.contact_points[1 - first]]
        together.wait(30)
        return prepare(CassandraAddress(points, address.keyspace), 2, PREPARE_S)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(race, range(6))) == [KeyspaceReport(2, 2)] * 6
    on_one, on_other = table_ids(address)
    assert on_one == on_other
    statements = resources.files("angarium.engines.cassandra").joinpath("schema.cql").read_text()
    assert len(on_one) == statements.count("CREATE TABLE")
    with closing(connected(address)) as session:
        until_it_answers(lambda: query_error(session))


@pytest.mark.engines
def test_racing_threads_add_what_an_older_version_did_not_have(address: CassandraAddress) -> None:
    prepare(address, 2, PREPARE_S)
    with clusters.build(address) as cluster:
        session = cluster.connect()
        session.execute(
            f"ALTER TABLE {address.quoted_keyspace}.inboxes DROP stretches", timeout=30
        )
    together = threading.Barrier(4)

    def race(_: int) -> KeyspaceReport:
        together.wait(30)
        return prepare(address, 2, PREPARE_S)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(race, range(4))) == [KeyspaceReport(2, 2)] * 4
    with closing(connected(address)) as session:
        assert query_error(session) is None


@pytest.mark.engines
def test_racing_processes_make_one_keyspace(address: CassandraAddress) -> None:
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, host, str(port), address.keyspace],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for host, port in [*address.contact_points] * 2
    ]
    said = [each.communicate(timeout=120) for each in racing]
    assert [out.strip() for out, _ in said] == [str(KeyspaceReport(2, 2))] * 4, said
    on_one, on_other = table_ids(address)
    assert on_one == on_other


@pytest.mark.engines
def test_another_replication_is_refused_by_both_numbers(address: CassandraAddress) -> None:
    prepare(address, 1, PREPARE_S)
    with pytest.raises(
        SetupError, match=r"keeps 1 copies in datacenter1, but ANGARIUM_REPLICATION is 2"
    ):
        prepare(address, 2, PREPARE_S)


@pytest.mark.engines
def test_a_name_with_capitals_is_one_name_for_everybody(address: CassandraAddress) -> None:
    capitals = CassandraAddress(address.contact_points, address.keyspace.replace("a", "A"))
    prepare(capitals, 2, PREPARE_S)
    prepare(capitals, 2, PREPARE_S)
    with closing(connected(capitals)) as session:
        assert query_error(session) is None


@pytest.mark.parametrize("name", ["", "1a", 'a"b', "a-b", "a b", "x" * 49])
def test_what_cannot_be_a_keyspace_s_name_is_refused_before_anything_is_asked(name: str) -> None:
    nowhere = CassandraAddress([("127.0.0.1", free_port())], name)
    with pytest.raises(SetupError, match="ANGARIUM_KEYSPACE"):
        prepare(nowhere, 1, 0.0)


def test_servers_that_do_not_answer_are_named() -> None:
    port = free_port()
    with pytest.raises(
        SetupError, match=rf"127\.0\.0\.1:{port} could not be prepared within 1 s .*ANGARIUM"
    ):
        prepare(CassandraAddress([("127.0.0.1", port)]), 1, 1.0)


@pytest.mark.engines
def test_an_unknown_datacenter_is_told(address: CassandraAddress) -> None:
    elsewhere = CassandraAddress(address.contact_points, address.keyspace, datacenter="elsewhere")
    with pytest.raises(SetupError, match="ANGARIUM_DATACENTER"):
        prepare(elsewhere, 1, 1.0)


@pytest.mark.engines
def test_users_are_added_as_soon_as_the_nodes_that_keep_their_copies_are_up(
    cassandra_cluster: CassandraCluster, address: CassandraAddress
) -> None:
    prepare(address, 2, PREPARE_S)
    settings = Settings.from_env(
        {
            "ANGARIUM_KAFKA": f"127.0.0.1:{free_port()}",
            "ANGARIUM_CASSANDRA": cassandra_cluster.address,
            "ANGARIUM_KEYSPACE": address.keyspace,
            "ANGARIUM_JWT_SECRET": "a secret of this test, 32 bytes or more",
        },
        command="init",
    )
    cassandra_cluster.nodes[1].kill()
    with wiring.open_identity(settings) as impatient, pytest.raises(StoreUnavailable):
        wiring.provision(settings, impatient.provisioning)

    def provision() -> list[str]:
        with wiring.open_identity(settings, WAIT_S) as room:
            wiring.provision(settings, room.provisioning)
            return [user.username for user in room.users.all()]

    with ThreadPoolExecutor(1) as pool:
        provisioning = pool.submit(provision)
        cassandra_cluster.start()
        assert set(provisioning.result(WAIT_S)) == {user.username for user in DEMO_USERS}
