"""A node that asks for a password, over encrypted connections alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.schema import prepare
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import PASSWORD, USERNAME, CassandraCluster
from tests.engines.cassandra_sessions import CONNECT_S, PREPARE_S
from tests.engines.certificates import Certificates
from tests.integration.cassandra.availability import query_error
from tests.integration.cassandra.conftest import OpenSession

pytestmark = [pytest.mark.engines, pytest.mark.own_nodes]


@pytest.fixture(scope="module")
def guarded(guarded_cassandra: tuple[CassandraCluster, Certificates]) -> CassandraAddress:
    cluster, certificates = guarded_cassandra
    return CassandraAddress(
        contact_points(cluster.address),
        username=USERNAME,
        password=PASSWORD,
        cafile=certificates.authority,
    )


def test_init_and_sessions_log_in_over_an_encrypted_connection(
    guarded: CassandraAddress, open_session: OpenSession
) -> None:
    assert prepare(guarded, 1, PREPARE_S).nodes == 1
    session = open_session(guarded)
    assert session.await_connection(CONNECT_S)
    assert query_error(session) is None


def test_without_encryption_or_with_another_password_or_authority_nobody_gets_in(
    guarded: CassandraAddress, tmp_path: Path
) -> None:
    another = Certificates(tmp_path, "127.0.0.1").authority
    for changed in ({"cafile": None}, {"password": "another"}, {"cafile": another}):
        with pytest.raises(SetupError, match="could not be prepared"):
            prepare(replace(guarded, **changed), 1, 0.0)
