"""What is handed to the driver, and what comes of its answers."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from cassandra import OperationTimedOut
from cassandra.query import BatchStatement, BatchType, BoundStatement

from angarium.deadline import within
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.cluster import HEARTBEAT_S
from angarium.engines.cassandra.read_budget import MAX_READ_BYTES, ROW_BYTES
from angarium.engines.cassandra.session import CALL_S, PAGE_ROWS, CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.unit.engines.cassandra.driver import Driver

WRITES = [
    (statement, (number,) * 6)
    for statement in (Statement.ADD_MESSAGE, Statement.ADD_TO_INDEX)
    for number in range(3)
]


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def session(driver: Driver) -> Iterator[CassandraSession]:
    with closing(driver.as_session()) as session:
        yield session


def test_a_question_takes_two_seconds_at_most(driver: Driver, session: CassandraSession) -> None:
    session.submit(Statement.USERS)
    session.submit_batch(WRITES)
    assert [each.timeout for each in driver.asked] == [CALL_S] * 2
    assert CALL_S == 2.0


def test_a_question_takes_no_longer_than_the_deadline_in_force(
    driver: Driver, session: CassandraSession
) -> None:
    with within(0.5):
        session.submit(Statement.USERS)
        list(session.scan(Statement.USERS))
    for asked in driver.asked:
        assert asked.timeout is not None
        assert asked.timeout <= 0.5


def test_texts_are_waited_for_by_the_driver_until_a_silent_connection_is_closed(
    driver: Driver, session: CassandraSession
) -> None:
    questions = [(Statement.NEWEST, (1, 100)), (Statement.OLDER, (1, 2, 3, 100))]
    with within(0.5), session.reading_texts(questions, 200) as answers:
        assert [each.timeout for each in driver.asked] == [2.0 * HEARTBEAT_S] * 2
        driver.asked[1].succeeded([("a",)])
        assert [each.done() for each in answers] == [False, True]
        with pytest.raises(StoreUnavailable, match="in time"), within(0.0):
            session.wait(answers[0])


def test_texts_that_are_on_their_way_leave_no_room_for_others(
    driver: Driver, session: CassandraSession
) -> None:
    newest = [(Statement.NEWEST, (1, 100))]
    all_of_it = MAX_READ_BYTES // ROW_BYTES
    with session.reading_texts(newest, all_of_it):
        pass
    with (
        within(0.02),
        pytest.raises(StoreUnavailable, match="no room"),
        session.reading_texts(newest, 9),
    ):
        pass
    (asked,) = driver.asked
    asked.succeeded([])
    with session.reading_texts(newest, all_of_it):
        assert len(driver.asked) == 2


def test_when_no_time_is_left_nothing_is_asked(driver: Driver, session: CassandraSession) -> None:
    with within(0.0):
        assert isinstance(session.submit(Statement.USERS).exception(0), StoreUnavailable)
    assert driver.asked == []


def test_rows_of_one_partition_key_are_one_mutation_that_may_be_repeated(
    driver: Driver, session: CassandraSession
) -> None:
    session.submit_batch(WRITES)
    (asked,) = driver.asked
    assert isinstance(asked.question, BatchStatement)
    assert asked.question.batch_type is BatchType.UNLOGGED
    assert asked.question.is_idempotent is True


def test_a_row_alone_is_no_batch(driver: Driver, session: CassandraSession) -> None:
    session.submit_batch(WRITES[:1])
    (asked,) = driver.asked
    assert isinstance(asked.question, BoundStatement)
    assert asked.question.raw_values == WRITES[0][1]


def test_answers_and_refusals_end_the_future(driver: Driver, session: CassandraSession) -> None:
    answered, refused = session.submit(Statement.USERS), session.submit(Statement.USERS)
    assert not answered.done()
    driver.asked[0].succeeded([("a",)])
    driver.asked[1].failed(OperationTimedOut())
    assert answered.result(0) == (("a",),)
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
