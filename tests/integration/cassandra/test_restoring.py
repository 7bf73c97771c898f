"""A restored backup has its tables from different moments; replaying
the log makes them one again.
"""

import pytest

from angarium.domain.message import BEGINNING, Message, Status
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import RECEIPT_RANK, write_time
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import ReceiptOutcome, StoreOutcome
from tests.contract.ports.chat import Chat, delivered, mark, receipt, record
from tests.integration.cassandra.failing_session import Forgetful

pytestmark = pytest.mark.engines

MESSAGES, INDEX, RECEIPTS = Statement.ADD_MESSAGE, Statement.ADD_TO_INDEX, Statement.MARK_DELIVERED
NEWEST, CONFIRMED = Statement.NOTE_NEWEST, Statement.NOTE_DELIVERED

missing = pytest.mark.parametrize(
    "lost",
    [
        {MESSAGES, RECEIPTS},
        {RECEIPTS},
        {NEWEST},
        {CONFIRMED},
        {INDEX},
        {MESSAGES, RECEIPTS, NEWEST, CONFIRMED},
    ],
    ids=lambda lost: "+".join(sorted(each.name.lower() for each in lost)),
)


def history(reader: CassandraMessageReader, chat: Chat) -> list[Message]:
    return list(reader.newer(chat.conversation_id, BEGINNING, 1_000))


@missing
def test_a_replay_brings_back_what_a_table_lacks_that_others_have(
    session: CassandraSession, reader: CassandraMessageReader, chat: Chat, lost: set[Statement]
) -> None:
    messages = chat.messages(ROWS_PER_MUTATION + 2)
    confirmed = [receipt(each) for each in messages[:3]]
    restored, whole = (
        CassandraMessageWriter(Forgetful(session, lost).as_session()),
        CassandraMessageWriter(session),
    )
    for message_writer in (restored, whole):
        record(message_writer, *messages)
        mark(message_writer, chat, *confirmed)
    expected = [delivered(each) for each in messages[:3]] + messages[3:]
    assert history(reader, chat) == expected
    assert reader.find(chat.conversation_id, [each.message_id for each in messages]) == {
        each.message_id: each for each in expected
    }
    assert list(reader.inbox(chat.bob, None, 100)) == messages[3:]
    assert record(whole, *messages) == (StoreOutcome.REPLAYED,) * len(messages)
    assert mark(whole, chat, *confirmed) == (ReceiptOutcome.REPEATED,) * len(confirmed)
    assert history(reader, chat) == expected


def test_a_replay_gets_past_a_receipt_whose_message_is_still_missing(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    chat: Chat,
) -> None:
    first, second, torn = chat.messages(3)
    record(CassandraMessageWriter(Forgetful(session, {MESSAGES, NEWEST}).as_session()), torn)
    confirmed = receipt(torn)
    position = (torn.position.timestamp, torn.position.offset, torn.message_id)
    written_at = write_time(confirmed.delivered_at, RECEIPT_RANK)
    session.execute(
        RECEIPTS, (written_at, confirmed.delivered_at, chat.conversation_id, *position)
    )
    record(message_writer, first, second)
    assert (
        mark(message_writer, chat, receipt(first), receipt(second))
        == (ReceiptOutcome.DELIVERED,) * 2
    )
    assert record(message_writer, torn) == (StoreOutcome.REPLAYED,)
    assert mark(message_writer, chat, confirmed) == (ReceiptOutcome.REPEATED,)
    assert history(reader, chat) == [delivered(each) for each in (first, second, torn)]


def test_a_replay_brings_messages_back_and_lowers_no_state(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    chat: Chat,
) -> None:
    kept, lost = chat.messages(2), chat.messages(2)
    record(message_writer, *kept)
    mark(message_writer, chat, receipt(kept[0]))
    record(CassandraMessageWriter(Forgetful(session, {MESSAGES, NEWEST}).as_session()), *lost)
    assert history(reader, chat) == [delivered(kept[0]), kept[1]]
    # Whoever was offline is online by now.
    again = [each._replace(status=Status.SENT) for each in (*kept, *lost)]
    assert record(message_writer, *again) == (StoreOutcome.REPLAYED,) * 4
    assert history(reader, chat) == [delivered(kept[0]), kept[1], *lost]
    assert list(reader.inbox(chat.bob, None, 10)) == [kept[1], *lost]
