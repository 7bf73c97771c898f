"""Workers that die between any two requests, start over, or wake up
late.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from uuid import uuid4

import pytest

from angarium.domain.conversation import Conversation
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING, Message, Status
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import ReceiptOutcome, StoreOutcome, Summary
from tests.contract.ports.chat import ANSWER_S, START, Chat, delivered, mark, receipt, record
from tests.integration.cassandra.failing_session import (
    FailingSession,
    Failure,
    Forgetful,
    Sleeping,
)

pytestmark = pytest.mark.engines

every = pytest.mark.parametrize("failure", Failure, ids=lambda failure: failure.value)


def history(reader: CassandraMessageReader, chat: Chat) -> list[Message]:
    return list(reader.newer(chat.conversation_id, BEGINNING, 1_000))


def record_in_trouble(
    session: CassandraSession, request: int, messages: Sequence[Message], failure: Failure
) -> bool:
    """Store messages as a worker with failure at a request; tell
    whether it lived through it.
    """
    dying = FailingSession(session, request, failure)
    stored = CassandraMessageWriter(dying.as_session()).record(
        messages[0].conversation_id, messages
    )
    with suppress(StoreUnavailable):
        stored.result(ANSWER_S)
    return dying.survived


@every
def test_whenever_a_worker_dies_while_it_stores_another_one_completes_it(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    failure: Failure,
) -> None:
    for request in count(1):
        chat = Chat()
        # Two batches, both people, and one id twice.
        messages = chat.messages(ROWS_PER_MUTATION)
        messages += [
            chat.message(sender=chat.bob),
            chat.message(message_id=messages[0].message_id),
        ]
        kept = messages[:-1]
        survived = record_in_trouble(session, request, messages, failure)
        # The next worker starts at another record and sees everybody's
        # presence anew.
        replayed = [each._replace(status=Status.SENT) for each in messages]
        for begin, end in ((0, 3), (3, len(messages))):
            outcomes = record(message_writer, *replayed[begin:end])
            assert outcomes[-1] is (
                StoreOutcome.DUPLICATE if end == len(messages) else outcomes[0]
            )
        found = history(reader, chat)
        assert [each._replace(status=Status.PENDING) for each in found] == kept
        assert list(reader.inbox(chat.bob, None, 100)) == found[:ROWS_PER_MUTATION]
        assert list(reader.inbox(chat.alice, None, 100)) == found[ROWS_PER_MUTATION:]
        assert record(message_writer, *messages) == (
            *(StoreOutcome.REPLAYED,) * len(kept),
            StoreOutcome.DUPLICATE,
        )
        assert history(reader, chat) == found
        if survived:
            break
    assert request > 5


@every
def test_what_a_dying_worker_leaves_is_a_prefix(
    session: CassandraSession, reader: CassandraMessageReader, failure: Failure
) -> None:
    for request in count(1):
        chat = Chat()
        messages = chat.messages(3 * ROWS_PER_MUTATION + 1)
        survived = record_in_trouble(session, request, messages, failure)
        found = history(reader, chat)
        assert found == messages[: len(found)]
        assert list(reader.older(chat.conversation_id, None, 100)) == found[::-1]
        known = reader.find(chat.conversation_id, [each.message_id for each in messages])
        assert set(known.values()) <= set(found)
        if survived:
            assert found == messages
            break


def test_an_inbox_is_read_no_farther_than_its_newest_message_that_is_known_to_be_durable(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    chat: Chat,
) -> None:
    known, dying = chat.messages(3), chat.messages(2)
    record(message_writer, *known)
    unheard = Forgetful(session, {Statement.NOTE_NEWEST, Statement.ADD_TO_INDEX})
    record(CassandraMessageWriter(unheard.as_session()), *dying)
    # What lies behind may be on one copy alone: reading it would show
    # it to others without what is before it.
    assert list(reader.inbox(chat.bob, None, 100)) == known
    assert list(reader.inbox(chat.bob, chat.position(known[0]), 100)) == known[1:]
    record(message_writer, *dying)
    assert list(reader.inbox(chat.bob, None, 100)) == [*known, *dying]


@every
def test_whenever_a_worker_dies_while_it_marks_another_one_completes_it(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    failure: Failure,
) -> None:
    for request in count(1):
        chat = Chat()
        messages = chat.messages(3)
        record(message_writer, *messages)
        receipts = [receipt(each, START + 50) for each in messages[:2]]
        dying = FailingSession(session, request, failure)
        marked = CassandraMessageWriter(dying.as_session()).mark_delivered(
            chat.conversation_id, receipts
        )
        with suppress(StoreUnavailable):
            marked.result(ANSWER_S)
        outcomes = mark(message_writer, chat, *receipts)
        assert set(outcomes) in ({ReceiptOutcome.DELIVERED}, {ReceiptOutcome.REPEATED})
        expected = [*(delivered(each, START + 50) for each in messages[:2]), messages[2]]
        assert history(reader, chat) == expected
        assert list(reader.inbox(chat.bob, None, 10)) == messages[2:]
        assert (
            reader.summaries(chat.bob, [chat.conversation_id])[chat.conversation_id].pending_count
            == 1
        )
        if dying.survived:
            break
    assert request > 3


@every
def test_whenever_somebody_dies_who_opens_a_conversation_the_next_one_completes_it(
    session: CassandraSession, failure: Failure
) -> None:
    store = CassandraConversations(session)
    for request in count(1):
        chat = Chat()
        first, second = sorted((chat.alice, chat.bob))
        conversation = Conversation(chat.conversation_id, (first, second), START)
        dying = FailingSession(session, request, failure)
        with suppress(StoreUnavailable):
            CassandraConversations(dying.as_session()).create(conversation, uuid4())
        later = replace(conversation, created_at=START + 1)
        kept, _ = store.create(later, uuid4())
        assert kept in (conversation, later)
        for user_id in (chat.alice, chat.bob):
            assert list(store.of_user(user_id, None, 10)) == [kept]
        if dying.survived:
            break
    assert request > 3


@every
def test_a_creation_that_is_repeated_is_still_told_that_it_made_the_conversation(
    session: CassandraSession, failure: Failure
) -> None:
    for request in count(1):
        chat, claim = Chat(), uuid4()
        first, second = sorted((chat.alice, chat.bob))
        conversation = Conversation(chat.conversation_id, (first, second), START)
        dying = FailingSession(session, request, failure)
        with suppress(StoreUnavailable):
            CassandraConversations(dying.as_session()).create(conversation, claim)
        assert CassandraConversations(session).create(conversation, claim) == (conversation, True)
        assert CassandraConversations(session).create(conversation, uuid4()) == (
            conversation,
            False,
        )
        if dying.survived:
            break
    assert request > 3


def test_a_zombie_that_read_before_everybody_else_changes_nothing(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
) -> None:
    chat = Chat()
    first, second = chat.messages(2)
    sleeping = Sleeping(session)
    late = CassandraMessageWriter(sleeping.as_session()).record(
        chat.conversation_id, [first, second]
    )
    sleeping.wait_until_asleep()
    record(message_writer, first, second)
    mark(message_writer, chat, receipt(first, START + 9), receipt(second, START + 9))
    third = chat.message(at=START + 10)
    record(message_writer, third)
    sleeping.wake_up()
    assert late.result(ANSWER_S) == (StoreOutcome.STORED,) * 2
    assert history(reader, chat) == [
        delivered(first, START + 9),
        delivered(second, START + 9),
        third,
    ]
    assert list(reader.inbox(chat.bob, None, 10)) == [third]


def test_a_message_of_one_millisecond_with_a_receipt_waits_in_the_inbox(
    reader: CassandraMessageReader, message_writer: CassandraMessageWriter
) -> None:
    chat = Chat()
    first, second = chat.messages(2, at=START)
    record(message_writer, first)
    mark(message_writer, chat, receipt(first, START))
    record(message_writer, second)
    assert history(reader, chat) == [delivered(first, START), second]
    assert list(reader.inbox(chat.bob, None, 10)) == [second]
    found = reader.summaries(chat.bob, [chat.conversation_id])
    assert found == {chat.conversation_id: Summary(second, 1)}


def test_a_receipt_that_is_told_to_be_older_than_its_message_still_counts(
    reader: CassandraMessageReader, message_writer: CassandraMessageWriter, chat: Chat
) -> None:
    message = chat.message(at=START + 10)
    record(message_writer, message)
    assert mark(message_writer, chat, receipt(message, START)) == (ReceiptOutcome.DELIVERED,)
    assert mark(message_writer, chat, receipt(message, START)) == (ReceiptOutcome.REPEATED,)
    assert history(reader, chat) == [delivered(message, START)]


def test_what_is_seen_in_the_history_is_found_though_its_index_rows_are_not_repaired_yet(
    session: CassandraSession,
    reader: CassandraMessageReader,
    message_writer: CassandraMessageWriter,
    chat: Chat,
) -> None:
    record(message_writer, *chat.messages(ROWS_PER_MUTATION))
    # Of a mutation on one copy, who read the history repaired these
    # rows alone.
    shown_alone = Forgetful(session, {Statement.ADD_TO_INDEX})
    record(CassandraMessageWriter(shown_alone.as_session()), *chat.messages(ROWS_PER_MUTATION))
    shown = history(reader, chat)
    ids = [each.message_id for each in shown]
    assert reader.find(chat.conversation_id, ids) == {each.message_id: each for each in shown}
    assert reader.recipients(chat.conversation_id, ids) == dict.fromkeys(ids, chat.bob)
