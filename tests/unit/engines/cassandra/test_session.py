"""What is handed to the driver, and what comes of its answers."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from cassandra import OperationTimedOut
from cassandra.query import BatchStatement, BatchType, BoundStatement

from angarium.deadline import within
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.session import CALL_SECONDS, PAGE_ROWS, CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.unit.engines.cassandra.driver import Driver

ROWS = [(number,) * 6 for number in range(3)]


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def session(driver: Driver) -> Iterator[CassandraSession]:
    with closing(driver.as_session()) as session:
        yield session


def test_a_question_takes_two_seconds_at_most(driver: Driver, session: CassandraSession) -> None:
    session.submit(Statement.USERS)
    session.submit_batch(Statement.ADD_TO_INDEX, ROWS)
    assert [each.timeout for each in driver.asked] == [CALL_SECONDS] * 2
    assert CALL_SECONDS == 2.0


def test_a_question_takes_no_longer_than_the_deadline_in_force(
    driver: Driver, session: CassandraSession
) -> None:
    with within(0.5):
        session.submit(Statement.USERS)
        list(session.scan(Statement.USERS))
    for asked in driver.asked:
        assert asked.timeout is not None
        assert asked.timeout <= 0.5


def test_when_no_time_is_left_nothing_is_asked(driver: Driver, session: CassandraSession) -> None:
    with within(0.0):
        assert isinstance(session.submit(Statement.USERS).exception(0), StoreUnavailable)
    assert driver.asked == []


def test_rows_of_one_partition_are_one_mutation_that_may_be_repeated(
    driver: Driver, session: CassandraSession
) -> None:
    session.submit_batch(Statement.ADD_TO_INDEX, ROWS)
    (asked,) = driver.asked
    assert isinstance(asked.question, BatchStatement)
    assert asked.question.batch_type is BatchType.UNLOGGED
    assert asked.question.is_idempotent is True


def test_a_row_alone_is_no_batch(driver: Driver, session: CassandraSession) -> None:
    session.submit_batch(Statement.ADD_TO_INDEX, ROWS[:1])
    (asked,) = driver.asked
    assert isinstance(asked.question, BoundStatement)
    assert asked.question.raw_values == ROWS[0]


def test_answers_and_refusals_end_the_future(driver: Driver, session: CassandraSession) -> None:
    answered, refused = session.submit(Statement.USERS), session.submit(Statement.USERS)
    assert not answered.done()
    driver.asked[0].succeeded([("a",)])
    driver.asked[1].failed(OperationTimedOut())
    assert answered.result(0) == [("a",)]
    assert isinstance(refused.exception(0), StoreUnavailable)


def test_whoever_waits_for_an_answer_that_never_comes_gives_up(session: CassandraSession) -> None:
    with within(0.05), pytest.raises(StoreUnavailable, match="in time"):
        session.execute(Statement.USERS)


def test_a_table_is_read_in_pages(session: CassandraSession) -> None:
    assert list(session.scan(Statement.USERS)) == [("a", PAGE_ROWS)]


def test_a_table_that_cannot_be_read_is_told(driver: Driver, session: CassandraSession) -> None:
    driver.failure = OperationTimedOut()
    with pytest.raises(StoreUnavailable):
        list(session.scan(Statement.USERS))


def test_a_closed_session_answers_nothing(driver: Driver, session: CassandraSession) -> None:
    session.close()
    assert driver.is_shut_down
    assert isinstance(session.submit(Statement.USERS).exception(0), StoreUnavailable)
