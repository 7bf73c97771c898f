import re
import socket
import ssl
from collections.abc import Iterator
from importlib import resources
from itertools import islice
from pathlib import Path

import pytest
from cassandra import ConsistencyLevel, ProtocolVersion
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import tuple_factory

from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.patches.bounded_connection import BoundedConnection
from angarium.engines.cassandra.row_mapping import MESSAGE_RANK, RECEIPT_RANK, write_time
from angarium.engines.cassandra.statements import SENT_ONCE, Statement

HERE = [("127.0.0.1", 9042)]

FILTERED = frozenset({Statement.CONVERSATION_OF})
"""Statements that may filter."""


@pytest.fixture
def built() -> Iterator[Cluster]:
    """The driver as it is set up, not connected."""
    cluster = clusters.build(CassandraAddress(HERE, datacenter="here"))
    yield cluster
    cluster.shutdown()


@pytest.fixture
def profile(built: Cluster) -> ExecutionProfile:
    """How every statement is executed."""
    profile: ExecutionProfile = built.profile_manager.profiles[EXEC_PROFILE_DEFAULT]
    return profile


def test_no_more_is_taken_off_a_socket_than_is_looked_at(built: Cluster) -> None:
    assert built.connection_class is BoundedConnection


@pytest.mark.parametrize(
    ("consistency", "expected"),
    [
        ("LOCAL_QUORUM", ConsistencyLevel.LOCAL_SERIAL),
        ("LOCAL_ONE", ConsistencyLevel.LOCAL_SERIAL),
        ("QUORUM", ConsistencyLevel.SERIAL),
        ("EACH_QUORUM", ConsistencyLevel.SERIAL),
        ("ALL", ConsistencyLevel.SERIAL),
    ],
)
def test_conditional_writes_reach_as_far_as_all_others(consistency: str, expected: int) -> None:
    cluster = clusters.build(CassandraAddress(HERE, consistency=consistency))
    profile = cluster.profile_manager.profiles[EXEC_PROFILE_DEFAULT]
    assert profile.consistency_level == ConsistencyLevel.name_to_value[consistency]
    assert profile.serial_consistency_level == expected
    cluster.shutdown()


def test_a_node_that_is_away_is_tried_for_ever_and_every_five_seconds_or_so(
    built: Cluster,
) -> None:
    waits = list(islice(built.reconnection_policy.new_schedule(), 1_000))
    assert len(waits) == 1_000
    # The driver's jitter is 15 %.
    assert waits[0] < 1.0
    assert max(waits) < 6.0
    assert min(waits[10:]) > 4.0


def test_a_silent_node_is_noticed_within_ten_seconds(built: Cluster) -> None:
    assert (built.idle_heartbeat_interval, built.idle_heartbeat_timeout) == (5, 5)


def test_a_statement_goes_to_a_node_that_keeps_its_row_and_stays_in_the_datacenter(
    profile: ExecutionProfile,
) -> None:
    policy = profile.load_balancing_policy
    assert isinstance(policy, TokenAwarePolicy)
    nearest = policy._child_policy
    assert isinstance(nearest, DCAwareRoundRobinPolicy)
    assert nearest.local_dc == "here"
    assert nearest.used_hosts_per_remote_dc == 0


def test_no_call_waits_longer_than_two_seconds_and_a_second_node_is_asked_long_before(
    built: Cluster, profile: ExecutionProfile
) -> None:
    assert profile.request_timeout == built.connect_timeout == 2.0
    plan = profile.speculative_execution_policy.new_plan("any", "any")
    assert 0 < plan.next_execution(None) <= 0.5
    assert plan.next_execution(None) < 0


def test_a_node_that_has_just_started_has_five_seconds_to_describe_the_cluster(
    built: Cluster,
) -> None:
    assert built.control_connection_timeout == 5.0


def test_the_protocol_is_not_negotiated(built: Cluster) -> None:
    assert built.protocol_version == ProtocolVersion.V5
    assert built._protocol_version_explicit


def test_one_silent_node_holds_up_no_preparing(built: Cluster) -> None:
    assert built.prepare_on_all_hosts is False


def test_rows_come_as_tuples(profile: ExecutionProfile) -> None:
    assert profile.row_factory is tuple_factory


def test_nothing_is_reported_about_this_machine(built: Cluster) -> None:
    assert built.monitor_reporting_enabled is False


def test_every_contact_point_is_tried_at_its_own_port() -> None:
    points = [("127.0.0.1", 9042), ("127.0.0.2", 9043)]
    cluster = clusters.build(CassandraAddress(points))
    assert [(each.address, each.port) for each in cluster.endpoints_resolved] == points
    cluster.shutdown()


def test_the_second_piece_of_a_request_does_not_wait_for_the_first_to_be_acknowledged(
    built: Cluster,
) -> None:
    assert (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) in built.sockopts


def test_without_a_username_nobody_logs_in_and_without_an_authority_nothing_is_encrypted(
    built: Cluster,
) -> None:
    assert (built.auth_provider, built.ssl_context) == (None, None)


def test_a_password_is_never_shown() -> None:
    assert "s3cret" not in repr(CassandraAddress(HERE, username="angarium", password="s3cret"))


def test_a_password_is_handed_to_the_driver() -> None:
    cluster = clusters.build(CassandraAddress(HERE, username="angarium", password="s3cret"))
    assert (cluster.auth_provider.username, cluster.auth_provider.password) == (
        "angarium",
        "s3cret",
    )
    cluster.shutdown()


def test_an_authority_s_certificate_means_encryption_that_checks_whom_it_talks_to() -> None:
    bundle = ssl.get_default_verify_paths().cafile
    if bundle is None:
        pytest.skip("this machine has no certificates")
    cluster = clusters.build(CassandraAddress(HERE, cafile=Path(bundle)))
    assert cluster.ssl_context.verify_mode is ssl.CERT_REQUIRED
    cluster.shutdown()


def test_a_receipt_of_one_millisecond_outlives_its_message_and_not_the_next_millisecond() -> None:
    message, receipt, later = (
        write_time(7, MESSAGE_RANK),
        write_time(7, RECEIPT_RANK),
        write_time(8),
    )
    assert message < receipt < later


@pytest.mark.parametrize("statement", Statement, ids=lambda statement: statement.name)
def test_every_statement_names_the_keyspace_of_its_tables(statement: Statement) -> None:
    cql = statement.cql(CassandraAddress(HERE, keyspace="Chat").quoted_keyspace)
    tables = re.findall(r"\b(?:FROM|INTO|UPDATE) (\S+)", cql)
    assert len(tables) == 1
    assert re.fullmatch(r'"Chat"\.[a-z_]+', tables[0])


@pytest.mark.parametrize(
    "statement",
    [
        each
        for each in Statement
        if each.name.startswith(("NEWER", "STATES_NEWER", "NEWEST", "OLDER"))
    ],
    ids=lambda statement: statement.name,
)
def test_reads_of_messages_that_may_not_be_in_the_index_name_every_column(
    statement: Statement,
) -> None:
    schema = resources.files(clusters.__package__).joinpath("schema.cql").read_text()
    table = schema.split("TABLE IF NOT EXISTS messages (")[1].split("PRIMARY KEY")[0]
    named = set(re.findall(r"\w+", statement.value.split("FROM")[0]))
    assert named >= set(re.findall(r"^    (\w+) ", table, re.MULTILINE)) - {"conversation_id"}


@pytest.mark.parametrize("statement", Statement, ids=lambda statement: statement.name)
def test_no_statement_searches_or_deletes(statement: Statement) -> None:
    assert "ALLOW FILTERING" not in statement.value or statement in FILTERED
    assert not statement.value.startswith("DELETE")


@pytest.mark.parametrize("statement", FILTERED, ids=lambda statement: statement.name)
def test_what_is_filtered_is_one_row(statement: Statement) -> None:
    schema = resources.files(clusters.__package__).joinpath("schema.cql").read_text()
    table, condition = re.findall(r"FROM \$keyspace\.(\w+) WHERE (\w+) = \? AND", statement.value)[
        0
    ]
    key = schema.split(f"TABLE IF NOT EXISTS {table} (")[1].split("PRIMARY KEY")[1].split("\n")[0]
    assert key == f" (({condition}))"


@pytest.mark.parametrize("statement", Statement, ids=lambda statement: statement.name)
def test_what_the_router_writes_has_a_time_of_the_log_and_no_condition(
    statement: Statement,
) -> None:
    text = statement.value
    if any(f" {table} " in text for table in ("messages", "message_index", "inboxes")):
        assert " IF " not in text
        assert text.startswith("SELECT") or "USING TIMESTAMP ?" in text


def test_only_what_may_be_done_twice_is_sent_to_a_second_node() -> None:
    conditional = {each for each in Statement if " IF " in each.value}
    assert conditional - SENT_ONCE == {
        Statement.ADD_USER,
        Statement.ADD_CONVERSATION,
        Statement.CLAIM_IMPORT,
    }
