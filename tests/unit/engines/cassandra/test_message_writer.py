"""Nothing counts as stored or confirmed before all of it is: the
record's offset is committed then.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import ReceiptOutcome, StoreOutcome
from tests.contract.ports.chat import Chat, mark, receipt, record
from tests.unit.engines.cassandra.failing_sessions import FailingOnce, HeldSession
from tests.unit.engines.cassandra.tables import Tables

STORING = (
    Statement.FIND_IN_INDEX,
    Statement.ADD_MESSAGE,
    Statement.ADD_TO_INDEX,
    Statement.NOTE_NEWEST,
    Statement.INBOX_OF,
    Statement.STATES_NEWER,
    Statement.NOTE_DELIVERED,
    Statement.NOTE_RANGES,
)
"""What is asked for a group behind which marks follow."""

CONFIRMING = (
    Statement.STATES_NEWEST,
    Statement.FIND_IN_INDEX,
    Statement.STATES_AT,
    Statement.MARK_DELIVERED,
    Statement.INBOX_OF,
    Statement.STATES_NEWER,
    Statement.NOTE_DELIVERED,
    Statement.NOTE_RANGES,
)
"""What is asked for two receipts with a message between them that
waits.
"""

AFTER_THE_MESSAGES = {Statement.NOTE_NEWEST, Statement.INBOX_OF}
AFTER_THE_STATUS = {Statement.INBOX_OF, Statement.NOTE_DELIVERED, Statement.NOTE_RANGES}

Call = Callable[[CassandraSession], "Future[tuple[object, ...]]"]

failures = pytest.mark.parametrize("is_done", [False, True], ids=["undone", "done"])


def each_of(statements: Iterable[Statement]) -> pytest.MarkDecorator:
    """Run a test for each of some statements."""
    return pytest.mark.parametrize("statement", statements, ids=lambda each: each.name)


class Work:
    """Somebody's messages and receipts, and the tables that they
    go to.
    """

    def __init__(self) -> None:
        self.chat = Chat()
        # Two batches and both people.
        self.messages = [
            *self.chat.messages(ROWS_PER_MUTATION),
            self.chat.message(sender=self.chat.bob),
        ]
        self.tables = Tables()

    def store(self, session: CassandraSession) -> "Future[tuple[object, ...]]":
        return CassandraMessageWriter(session).record(self.chat.conversation_id, self.messages)  # type: ignore[return-value]

    def confirm(self, session: CassandraSession) -> "Future[tuple[object, ...]]":
        receipts = [receipt(self.messages[0]), receipt(self.messages[2])]
        return CassandraMessageWriter(session).mark_delivered(self.chat.conversation_id, receipts)  # type: ignore[return-value]

    def stored(self) -> Tables:
        """Give tables with the messages, and nothing asked since."""
        tables = Tables()
        self.store(tables.as_session()).result(0)
        tables.asked.clear()
        return tables

    def confirmed(self) -> Tables:
        """Give tables with the messages and their receipts; they know
        what was asked for these.
        """
        tables = self.stored()
        self.confirm(tables.as_session()).result(0)
        return tables


@pytest.fixture
def work() -> Work:
    return Work()


def held_back(call: Call, late: HeldSession) -> "Future[tuple[object, ...]]":
    """Call, and let each late answer go only when the call was seen to
    wait for it.
    """
    outcome = call(late.as_session())
    assert late.holds
    while late.holds:
        assert not outcome.done()
        late.let_go()
    return outcome


def test_these_statements_store_and_confirm(work: Work) -> None:
    work.store(work.tables.as_session()).result(0)
    assert set(work.tables.asked) == set(STORING)
    assert set(work.confirmed().asked) == set(CONFIRMING)


@failures
@each_of(STORING)
def test_whichever_statement_fails_nothing_is_told_as_stored_and_a_repeated_call_completes_it(
    work: Work, statement: Statement, is_done: bool
) -> None:
    failing = FailingOnce(work.tables, statement, is_done)
    assert isinstance(work.store(failing.as_session()).exception(0), StoreUnavailable)
    assert set(work.store(failing.as_session()).result(0)) <= {
        StoreOutcome.STORED,
        StoreOutcome.REPLAYED,
    }
    assert work.tables.contents() == work.stored().contents()


@each_of(STORING)
def test_nothing_is_told_as_stored_before_every_statement_is_answered(
    work: Work, statement: Statement
) -> None:
    stored = held_back(work.store, HeldSession(work.tables, statement))
    assert set(stored.result(0)) == {StoreOutcome.STORED}


def ids_of(batch: Sequence[Request], statement: Statement, column: int) -> list[object]:
    """Give the ids that a mutation writes into one table."""
    return [values[column] for asked, values in batch if asked is statement]


def test_a_message_and_its_index_row_are_one_mutation_also_when_it_is_replayed(
    work: Work,
) -> None:
    for _ in range(2):
        work.tables.batches.clear()
        work.store(work.tables.as_session()).result(0)
        messages, index = (
            [ids_of(batch, statement, column) for batch in work.tables.batches]
            for statement, column in ((Statement.ADD_MESSAGE, 3), (Statement.ADD_TO_INDEX, 1))
        )
        assert messages == index
        ids = [each.message_id for each in work.messages]
        assert messages == [ids[:ROWS_PER_MUTATION], ids[ROWS_PER_MUTATION:]]


@pytest.mark.parametrize("count", [1, ROWS_PER_MUTATION])
def test_storing_is_three_requests_for_a_message_alone_and_for_a_whole_mutation(
    work: Work, count: int
) -> None:
    messages = work.messages[1:] + work.chat.messages(1)
    record(CassandraMessageWriter(work.tables.as_session()), *messages[:count])
    assert work.tables.asked == [
        Statement.FIND_IN_INDEX,
        Statement.ADD_MESSAGE,
        Statement.ADD_TO_INDEX,
        *[Statement.NOTE_NEWEST] * (1 if count == 1 else 2),
    ]
    assert len(work.tables.batches) == 1


def test_no_message_is_in_an_inbox_and_no_later_one_written_before_it_is_durable(
    work: Work,
) -> None:
    late = HeldSession(work.tables, Statement.ADD_MESSAGE)
    work.store(late.as_session())
    for batch in (1, 2):
        assert work.tables.asked.count(Statement.ADD_MESSAGE) == batch
        assert AFTER_THE_MESSAGES.isdisjoint(work.tables.asked)
        late.let_go()
    assert set(work.tables.asked) >= AFTER_THE_MESSAGES


@failures
@each_of(CONFIRMING)
def test_whichever_statement_fails_nothing_is_told_as_confirmed_and_a_repeated_call_completes_it(
    work: Work, statement: Statement, is_done: bool
) -> None:
    tables = work.stored()
    failing = FailingOnce(tables, statement, is_done)
    assert isinstance(work.confirm(failing.as_session()).exception(0), StoreUnavailable)
    assert set(work.confirm(failing.as_session()).result(0)) <= {
        ReceiptOutcome.DELIVERED,
        ReceiptOutcome.REPEATED,
    }
    assert tables.contents() == work.confirmed().contents()


@each_of(CONFIRMING)
def test_nothing_is_told_as_confirmed_before_every_statement_is_answered(
    work: Work, statement: Statement
) -> None:
    confirmed = held_back(work.confirm, HeldSession(work.stored(), statement))
    assert set(confirmed.result(0)) == {ReceiptOutcome.DELIVERED}


def test_no_mark_moves_over_a_message_before_its_status_is_durable(work: Work) -> None:
    tables = work.stored()
    late = HeldSession(tables, Statement.MARK_DELIVERED)
    work.confirm(late.as_session())
    assert AFTER_THE_STATUS.isdisjoint(tables.asked)
    late.let_go()
    assert set(tables.asked) >= AFTER_THE_STATUS


def test_a_receipt_that_is_repeated_after_a_crash_moves_the_marks_that_the_first_one_did_not(
    work: Work,
) -> None:
    tables = work.stored()
    crashing = FailingOnce(tables, Statement.NOTE_DELIVERED, is_done=False)
    assert work.confirm(crashing.as_session()).exception(0) is not None
    assert work.confirm(tables.as_session()).result(0) == (ReceiptOutcome.REPEATED,) * 2
    assert tables.contents() == work.confirmed().contents()


def test_what_somebody_else_confirms_or_nobody_sent_moves_no_mark(work: Work) -> None:
    tables = work.stored()
    before = tables.contents()
    of_others = [receipt(work.messages[0], by=work.chat.alice), receipt(Chat().message())]
    outcomes = mark(CassandraMessageWriter(tables.as_session()), work.chat, *of_others)
    assert outcomes == (ReceiptOutcome.NOT_RECIPIENT, ReceiptOutcome.UNKNOWN)
    assert tables.contents() == before
