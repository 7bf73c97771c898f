"""As much of everything as the limits allow, and more than one request
takes.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from uuid import UUID, uuid4

import pytest
from cassandra import InvalidRequest

from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING, InboxPosition, Message, Status
from angarium.engines.cassandra import inbox_cursors, inbox_reader
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import (
    FULL_SCAN_EVERY,
    CassandraMessageWriter,
    message_writes,
)
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import ReceiptOutcome, StoreOutcome
from angarium.services.store_retry import StoreRetry
from tests.contract.ports.chat import START, Chat, mark, receipt, record

pytestmark = pytest.mark.engines

GROUP = 64
"""So many records of one conversation the router hands over at once."""

SETTLE_S = 30.0
"""What a hundred writes may take, tried again as the service does, on a
machine that starts servers.
"""


def delivered_mark(session: CassandraSession, chat: Chat, user_id: UUID) -> object:
    rows = session.execute(Statement.INBOX_OF, (user_id, [chat.conversation_id]))
    return rows[0][4] if rows else None


def record_all(message_writer: CassandraMessageWriter, messages: list[Message]) -> None:
    for start in range(0, len(messages), GROUP):
        record(message_writer, *messages[start : start + GROUP])


def settle(session: CassandraSession, user_id: UUID, conversations: int) -> None:
    """Leave so many conversations in an inbox in which everything is
    confirmed.
    """
    for start in range(0, conversations, 100):
        some = [uuid4() for _ in range(min(100, conversations - start))]
        for statement in (Statement.NOTE_NEWEST, Statement.NOTE_DELIVERED):
            StoreRetry(SETTLE_S)(partial(note, session, statement, user_id, some))


def note(
    session: CassandraSession, statement: Statement, user_id: UUID, conversations: list[UUID]
) -> None:
    for write in [
        session.submit(statement, (user_id, each, START, 7, START)) for each in conversations
    ]:
        session.wait(write)


def test_a_whole_group_of_the_largest_messages_is_stored_at_once(
    message_writer: CassandraMessageWriter, reader: CassandraMessageReader, chat: Chat
) -> None:
    messages = [chat.message("x" * 10_240) for _ in range(GROUP)]
    assert record(message_writer, *messages) == (StoreOutcome.STORED,) * GROUP
    assert list(reader.newer(chat.conversation_id, BEGINNING, 100)) == messages
    assert list(reader.inbox(chat.bob, None, 101)) == messages


def test_a_message_and_its_index_row_are_one_mutation(
    session: CassandraSession, chat: Chat
) -> None:
    # Cassandra refuses a batch of this size that is several mutations.
    largest = [chat.message("x" * 10_240) for _ in range(ROWS_PER_MUTATION)]
    together = message_writes(largest)
    assert session.wait(session.submit_batch(together)) == ()
    another = message_writes([Chat().message()])[-1:]
    refused = session.submit_batch([*together, *another]).exception(SETTLE_S)
    assert isinstance(refused, StoreUnavailable)
    assert isinstance(refused.__cause__, InvalidRequest)


class Noting(CassandraSession):
    """Notes how many messages are written as one mutation."""

    def __init__(self, session: CassandraSession) -> None:
        self._connector = session._connector
        self.sizes: list[int] = []

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        self.sizes.append([statement for statement, _ in writes].count(Statement.ADD_MESSAGE))
        return super().submit_batch(writes)


def test_no_more_messages_are_one_mutation_than_every_reader_reads(
    session: CassandraSession, chat: Chat
) -> None:
    noting = Noting(session)
    record(CassandraMessageWriter(noting), *chat.messages(GROUP + 1))
    assert noting.sizes == [*[ROWS_PER_MUTATION] * (GROUP // ROWS_PER_MUTATION), 1]


def test_a_whole_group_of_the_largest_receipts_is_applied_at_once(
    message_writer: CassandraMessageWriter, reader: CassandraMessageReader, chat: Chat
) -> None:
    messages = chat.messages(300)
    record_all(message_writer, messages)
    receipts = [receipt(each) for each in messages] * 5
    assert mark(message_writer, chat, *receipts) == (
        *(ReceiptOutcome.DELIVERED,) * 300,
        *(ReceiptOutcome.REPEATED,) * 1_200,
    )
    assert all(
        each.status is Status.DELIVERED
        for each in reader.newer(chat.conversation_id, BEGINNING, 300)
    )
    assert list(reader.inbox(chat.bob, None, 10)) == []


def test_an_inbox_of_thousands_of_conversations_is_walked_page_by_page(
    session: CassandraSession,
    message_writer: CassandraMessageWriter,
    reader: CassandraMessageReader,
) -> None:
    bob = uuid4()
    settle(session, bob, 3_000)
    chats = [Chat(bob=bob) for _ in range(150)]
    waiting = [chat.message(at=START + number % 40) for number, chat in enumerate(chats)]
    for each in waiting:
        record(message_writer, each)
    expected = sorted(waiting, key=position)
    walked: list[Message] = []
    after: InboxPosition | None = None
    while page := reader.inbox(bob, after, 101):
        walked += page
        after = position(page[-1])
    assert walked == expected


def position(message: Message) -> InboxPosition:
    return InboxPosition(
        message.position.timestamp, message.conversation_id, message.position.offset
    )


def test_an_inbox_finds_the_little_that_waits_behind_much_that_does_not(
    message_writer: CassandraMessageWriter, reader: CassandraMessageReader, chat: Chat
) -> None:
    # More than one chunk of everything: bob's own words, what he has,
    # and what he has not.
    first = chat.message("first")
    own = [
        chat.message("own", sender=chat.bob)
        for _ in range(inbox_reader.CHUNK + inbox_reader.FIRST_CHUNK + 1)
    ]
    had = [chat.message("had") for _ in range(inbox_reader.CHUNK + 1)]
    last = chat.message("last")
    record_all(message_writer, [first, *own, *had, last])
    mark(message_writer, chat, *map(receipt, had))
    assert list(reader.inbox(chat.bob, None, 10)) == [first, last]
    assert (
        reader.summaries(chat.bob, [chat.conversation_id])[chat.conversation_id].pending_count == 2
    )


class Counting(CassandraSession):
    """Counts what is asked."""

    def __init__(self, session: CassandraSession) -> None:
        vars(self).update(vars(session))
        self.asked = 0

    def _send(
        self, build: Callable[[PreparedSession], object], at_least_s: float = 0.0
    ) -> "Future[Rows]":
        self.asked += 1
        return super()._send(build, at_least_s)


def test_a_message_that_is_never_confirmed_makes_no_call_longer_however_many_are_behind_it(
    session: CassandraSession, message_writer: CassandraMessageWriter, chat: Chat
) -> None:
    lost, *had = chat.messages(1_000)
    record_all(message_writer, [lost, *had])
    for start in range(0, len(had), 100):
        mark(
            message_writer,
            chat,
            *(receipt(each, START + start) for each in had[start : start + 100]),
        )
    last = chat.message(at=START + 1_000)
    record(message_writer, last)
    counting = Counting(session)
    reader = CassandraMessageReader(counting)
    assert list(reader.inbox(chat.bob, None, 101)) == [lost, last]
    assert list(reader.inbox(chat.bob, position(had[500]), 101)) == [last]
    summary = reader.summaries(chat.bob, [chat.conversation_id])[chat.conversation_id]
    assert summary.pending_count == 2
    assert counting.asked <= 13


def test_marks_follow_a_talk_in_which_one_only_writes(
    session: CassandraSession, message_writer: CassandraMessageWriter, chat: Chat
) -> None:
    record_all(message_writer, chat.messages(4 * FULL_SCAN_EVERY))
    mark = delivered_mark(session, chat, chat.alice)
    assert isinstance(mark, int)
    assert mark >= 3 * FULL_SCAN_EVERY
    assert delivered_mark(session, chat, chat.bob) is None


def test_marks_follow_receipts_in_whatever_order_and_over_more_than_one_step_takes(
    session: CassandraSession,
    message_writer: CassandraMessageWriter,
    reader: CassandraMessageReader,
    chat: Chat,
) -> None:
    one_step = inbox_cursors.CHUNK * inbox_cursors.MAX_CHUNKS
    number = one_step + 50
    # No offset at which marks follow by themselves.
    messages = [chat.message() for _ in range(number * 2)]
    messages = [each for each in messages if each.position.offset % FULL_SCAN_EVERY][:number]
    record_all(message_writer, messages)
    mark(message_writer, chat, *map(receipt, reversed(messages)))
    first = delivered_mark(session, chat, chat.bob)
    mark(message_writer, chat, receipt(messages[0]))
    second = delivered_mark(session, chat, chat.bob)
    assert (first, second) == (
        messages[one_step - 1].position.offset,
        messages[-1].position.offset,
    )
    assert list(reader.inbox(chat.bob, None, 10)) == []
