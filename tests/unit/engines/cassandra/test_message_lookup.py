"""Messages that are looked up by their ids while others are written."""

import pytest

from angarium.domain.message import Message
from angarium.engines.cassandra.chain import run_chain
from angarium.engines.cassandra.message_lookup import find_states
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter, message_writes
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.statements import Statement
from tests.contract.ports.chat import Chat, record
from tests.unit.engines.cassandra.tables import Tables


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def stored(tables: Tables, chat: Chat) -> list[Message]:
    messages = chat.messages(3 * ROWS_PER_MUTATION)
    record(CassandraMessageWriter(tables.as_session()), *messages)
    tables.asked.clear()
    return messages


def find(tables: Tables, chat: Chat, *messages: Message) -> set[object]:
    """Give the ids that are found of some messages."""
    ids = [each.message_id for each in messages]
    found = run_chain(find_states(tables.as_session(), chat.conversation_id, ids)).result(0)
    for message in messages:
        state = found.get(message.message_id)
        assert state is None or (state.position, state.recipient_id) == (
            message.position,
            message.recipient_id,
        )
    return set(found)


def test_messages_of_the_newest_mutation_are_found_with_one_request(
    tables: Tables, chat: Chat, stored: list[Message]
) -> None:
    newest = stored[-ROWS_PER_MUTATION:]
    assert find(tables, chat, *newest) == {each.message_id for each in newest}
    assert tables.asked == [Statement.STATES_NEWEST]


def test_older_messages_are_found_by_the_index(
    tables: Tables, chat: Chat, stored: list[Message]
) -> None:
    assert find(tables, chat, *stored) == {each.message_id for each in stored}
    assert tables.asked == [
        Statement.STATES_NEWEST,
        Statement.FIND_IN_INDEX,
        Statement.STATES_AT,
    ]


def test_in_a_conversation_that_was_read_completely_the_index_is_not_asked(
    tables: Tables, chat: Chat
) -> None:
    known, unknown = chat.messages(2)
    record(CassandraMessageWriter(tables.as_session()), known)
    tables.asked.clear()
    assert find(tables, chat, known, unknown) == {known.message_id}
    assert tables.asked == [Statement.STATES_NEWEST]


def test_a_message_behind_the_newest_one_that_was_read_is_not_read_alone(
    tables: Tables, chat: Chat, stored: list[Message]
) -> None:
    # Its mutation has reached one copy, and a reader of the index has
    # repaired its index row alone.
    torn = chat.message()
    (index_row,) = [
        values
        for statement, values in message_writes([torn])
        if statement is Statement.ADD_TO_INDEX
    ]
    tables.submit(Statement.ADD_TO_INDEX, index_row)
    tables.asked.clear()
    reader = CassandraMessageReader(tables.as_session())
    ids = [stored[0].message_id, torn.message_id]
    assert reader.find(chat.conversation_id, ids) == {stored[0].message_id: stored[0]}
    assert reader.recipients(chat.conversation_id, ids[1:]) == {}
    assert (
        tables.positions
        == [(stored[0].position.timestamp, stored[0].position.offset, stored[0].message_id)] * 2
    )
