import pytest

from angarium.engines.cassandra.prepared_session import connect
from angarium.engines.cassandra.statements import SENT_ONCE, Statement
from tests.unit.engines.cassandra.driver import ADDRESS, Driver


def test_what_has_no_time_of_the_log_gets_the_nodes_not_this_machine_s() -> None:
    driver = Driver()
    connect(ADDRESS, driver.build)
    assert driver.use_client_timestamp is False


def test_no_answer_is_cut_off_by_the_driver_s_own_paging() -> None:
    driver = Driver()
    connect(ADDRESS, driver.build)
    assert driver.default_fetch_size is None


def test_every_statement_is_prepared_with_its_keyspace_and_repeated_where_that_does_no_harm() -> (
    None
):
    connected = connect(ADDRESS, Driver().build)
    assert set(connected.prepared) == set(Statement)
    for statement, prepared in connected.prepared.items():
        assert prepared.query_string == statement.cql('"chat"')
        assert prepared.is_idempotent is (statement not in SENT_ONCE)


def test_a_connection_that_cannot_be_used_leaves_nothing_behind() -> None:
    driver = Driver()
    driver.failure = OSError("the keyspace is not there")
    with pytest.raises(OSError, match="the keyspace is not there"):
        connect(ADDRESS, driver.build)
    assert driver.is_shut_down
