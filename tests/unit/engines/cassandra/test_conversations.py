"""Of racing creates one writes, one is told that it made the
conversation, and all see the same one.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from angarium.deadline import remaining
from angarium.domain.conversation import Conversation
from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import conversation_id_for
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.statements import Statement
from tests.contract.ports.chat import START
from tests.unit.engines.cassandra.conditional import GIVE_UP_S, ConditionalTables
from tests.unit.engines.cassandra.flights import CountedFlight
from tests.unit.engines.cassandra.tables import Values

ALICE, BOB = sorted((uuid4(), uuid4()))
RACING = 24
CREATING = (Statement.CONVERSATION, Statement.ADD_CONVERSATION, Statement.ADD_CONVERSATION_OF_USER)


def candidate(number: int = 0) -> Conversation:
    return Conversation(conversation_id_for(ALICE, BOB), (ALICE, BOB), START + number)


@pytest.fixture
def tables() -> ConditionalTables:
    return ConditionalTables()


@pytest.fixture
def store(tables: ConditionalTables) -> CassandraConversations:
    return CassandraConversations(tables.as_session())


def test_racing_creates_of_an_instance_are_one_conditional_write(
    tables: ConditionalTables, store: CassandraConversations
) -> None:
    flight: CountedFlight[UUID, tuple[Conversation, UUID]] = CountedFlight()
    store._creating = flight
    tables.gate.clear()
    with ThreadPoolExecutor(RACING) as pool:
        creating = [
            pool.submit(store.create, candidate(number), uuid4()) for number in range(RACING)
        ]
        flight.wait_for(RACING)
        tables.gate.set()
        outcomes = [each.result(GIVE_UP_S) for each in creating]
    assert tables.asked.count(Statement.ADD_CONVERSATION) == 1
    (made,) = [kept for kept, is_new in outcomes if is_new]
    assert {kept for kept, _ in outcomes} == {made}


@pytest.mark.parametrize("is_done", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize("statement", CREATING, ids=lambda each: each.name)
def test_whichever_statement_fails_nothing_is_told_as_made_and_whoever_repeats_it_still_made_it(
    tables: ConditionalTables, store: CassandraConversations, statement: Statement, is_done: bool
) -> None:
    claim = uuid4()
    tables.failing[statement] = is_done
    with pytest.raises(StoreUnavailable):
        store.create(candidate(), claim)
    assert store.create(candidate(), claim) == (candidate(), True)
    assert tables.lists == {user_id: {candidate().conversation_id} for user_id in (ALICE, BOB)}


def test_whoever_finds_one_that_was_left_without_its_lists_writes_them(
    tables: ConditionalTables, store: CassandraConversations
) -> None:
    tables.failing[Statement.ADD_CONVERSATION_OF_USER] = False
    with pytest.raises(StoreUnavailable):
        store.create(candidate(), uuid4())
    assert store.create(candidate(1), uuid4()) == (candidate(), False)
    assert tables.lists == {user_id: {candidate().conversation_id} for user_id in (ALICE, BOB)}


def test_one_that_is_there_costs_no_conditional_write(
    tables: ConditionalTables, store: CassandraConversations
) -> None:
    store.create(candidate(), uuid4())
    tables.asked.clear()
    store.create(candidate(), uuid4())
    assert Statement.ADD_CONVERSATION not in tables.asked


def test_whether_the_store_answers_is_asked_for_a_second_at_most() -> None:
    class Clocked(ConditionalTables):
        left = 0.0

        def execute(self, statement: Statement, parameters: Values = ()) -> Rows:
            self.left = remaining(60.0)
            return super().execute(statement, parameters)

    tables = Clocked()
    CassandraConversations(tables.as_session()).check()
    assert 0 < tables.left <= 1.0
    tables.failing[Statement.CONVERSATION] = False
    with pytest.raises(StoreUnavailable):
        CassandraConversations(tables.as_session()).check()
