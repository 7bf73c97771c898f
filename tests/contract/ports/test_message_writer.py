from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from angarium.domain.message import BEGINNING, Message, Status
from angarium.futures import done
from angarium.ports.messages import (
    MessageReader,
    MessageWriter,
    Receipt,
    ReceiptOutcome,
    StoreOutcome,
)
from tests.contract.ports.chat import (
    ANSWER_S,
    START,
    Chat,
    delivered,
    mark,
    receipt,
    record,
    record_for,
)

D, N, R, U = (
    ReceiptOutcome.DELIVERED,
    ReceiptOutcome.NOT_RECIPIENT,
    ReceiptOutcome.REPEATED,
    ReceiptOutcome.UNKNOWN,
)


def stored(reader: MessageReader, chat: Chat) -> list[Message]:
    return list(reader.newer(chat.conversation_id, BEGINNING, 1_000))


def test_a_message_is_stored_as_it_is(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    pending, sent = chat.message(), chat.message(sender=chat.bob, status=Status.SENT)
    assert record(message_writer, pending, sent) == (StoreOutcome.STORED, StoreOutcome.STORED)
    assert stored(reader, chat) == [pending, sent]


@pytest.mark.parametrize(
    "content",
    [
        " trailing and leading \n",
        "line\r\nline\ttab",
        '\' OR 1=1; -- " \\ \\n {"a": [1]} | , ; %s $1 ?',
        "e\u0301 is not é; ﬁ; \ufeff\u200b\u2028\u2029\x1e\x1f",
        "\x01\x7f\x1b[31m",
        "שלום Ողջույն こんにちは 👩‍👩‍👧‍👦 \U0010ffff\ufffe",
        "x" * 10_240,
        "😀" * 2_560,
    ],
)
def test_a_text_comes_back_byte_for_byte(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, content: str
) -> None:
    message, other = chat.message(content), chat.message("another")
    record(message_writer, message, other)
    record(message_writer, message._replace(position=chat.message().position))
    mark(message_writer, chat, receipt(message))
    assert [each.content for each in stored(reader, chat)] == [content, "another"]
    assert (
        reader.find(chat.conversation_id, [message.message_id])[message.message_id].content
        == content
    )


def test_what_was_recorded_is_visible_to_every_reader_at_once(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    for number in range(20):
        message = chat.message(f"{number}")
        record(message_writer, message)
        assert message in reader.older(chat.conversation_id, None, 1)
        assert message in reader.newer(chat.conversation_id, BEGINNING, 100)
        assert reader.find(chat.conversation_id, [message.message_id]) == {
            message.message_id: message
        }
        assert message in reader.inbox(chat.bob, None, 100)
        assert (
            reader.summaries(chat.bob, [chat.conversation_id])[chat.conversation_id].last_message
            == message
        )


def test_the_same_record_again_changes_nothing(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = chat.messages(3)
    record(message_writer, *messages)
    assert record(message_writer, *messages) == (StoreOutcome.REPLAYED,) * 3
    assert stored(reader, chat) == messages


@pytest.mark.parametrize(
    ("first", "again"), [(Status.SENT, Status.PENDING), (Status.PENDING, Status.SENT)]
)
def test_a_replay_keeps_the_status_that_was_stored_first(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, first: Status, again: Status
) -> None:
    message = chat.message(status=first)
    record(message_writer, message)
    assert record(message_writer, message._replace(status=again)) == (StoreOutcome.REPLAYED,)
    assert stored(reader, chat) == [message]


def test_a_message_to_somebody_online_is_stored_as_sent(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = [chat.message(), chat.message(sender=chat.bob), chat.message(status=Status.SENT)]
    online: Future[Collection[UUID]] = done({chat.bob, uuid4()})
    assert (
        record_for(message_writer, online, *messages).result(ANSWER_S)
        == (StoreOutcome.STORED,) * 3
    )
    statuses = [each.status for each in stored(reader, chat)]
    assert statuses == [Status.SENT, Status.PENDING, Status.SENT]


def test_nothing_is_stored_before_it_is_known_who_is_online(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, second = chat.message(), chat.message()
    online: Future[Collection[UUID]] = Future()
    recording = record_for(message_writer, online, first, second)
    assert stored(reader, chat) == []
    assert not recording.done()
    online.set_result({chat.bob})
    assert recording.result(ANSWER_S) == (StoreOutcome.STORED,) * 2
    assert stored(reader, chat) == [each._replace(status=Status.SENT) for each in (first, second)]


def test_who_is_online_later_changes_nothing_that_is_stored(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message()
    record(message_writer, message)
    again = record_for(message_writer, done({chat.bob}), message)
    assert again.result(ANSWER_S) == (StoreOutcome.REPLAYED,)
    assert stored(reader, chat) == [message]


def test_a_retry_with_the_same_id_is_one_message_and_the_first_text_stands(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message("first")
    retry = chat.message("second", message_id=message.message_id, status=Status.SENT)
    record(message_writer, message)
    assert record(message_writer, retry) == (StoreOutcome.DUPLICATE,)
    assert record(message_writer, retry) == (StoreOutcome.DUPLICATE,)
    assert stored(reader, chat) == [message]
    assert list(reader.inbox(chat.bob, None, 10)) == [message]


def test_the_other_participant_cannot_take_a_message_s_id(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message("mine")
    record(message_writer, message)
    taken = chat.message("yours", sender=chat.bob, message_id=message.message_id)
    assert record(message_writer, taken) == (StoreOutcome.CONFLICT,)
    assert stored(reader, chat) == [message]
    assert list(reader.inbox(chat.alice, None, 10)) == []


def test_within_one_call_the_first_of_an_id_stands(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first = chat.message("first")
    again = chat.message("again", message_id=first.message_id)
    other = chat.message("other")
    taken = chat.message("taken", sender=chat.bob, message_id=first.message_id)
    call = (first, again, other, first, taken)
    assert record(message_writer, *call) == (
        StoreOutcome.STORED,
        StoreOutcome.DUPLICATE,
        StoreOutcome.STORED,
        StoreOutcome.REPLAYED,
        StoreOutcome.CONFLICT,
    )
    assert stored(reader, chat) == [first, other]


def test_a_call_repeated_after_an_outage_has_the_same_effect(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, second = chat.message(), chat.message()
    retry = chat.message(message_id=first.message_id)
    record(message_writer, first)
    assert record(message_writer, first, second, retry) == (
        StoreOutcome.REPLAYED,
        StoreOutcome.STORED,
        StoreOutcome.DUPLICATE,
    )
    assert record(message_writer, first, second, retry) == (
        StoreOutcome.REPLAYED,
        StoreOutcome.REPLAYED,
        StoreOutcome.DUPLICATE,
    )
    assert stored(reader, chat) == [first, second]


def test_an_id_is_free_in_every_other_conversation(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    other = Chat(chat.alice)
    message = chat.message("here")
    namesake = other.message("there", message_id=message.message_id)
    assert (
        record(message_writer, message)
        == record(message_writer, namesake)
        == (StoreOutcome.STORED,)
    )
    mark(message_writer, other, receipt(namesake))
    assert stored(reader, chat) == [message]
    assert stored(reader, other) == [delivered(namesake)]


def test_a_sender_from_outside_keeps_nobody_s_messages_from_being_stored(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    """Only a foreign producer appends such a record."""
    stranger = uuid4()
    messages = [chat.message(), chat.message(sender=stranger), chat.message(sender=chat.bob)]
    assert record(message_writer, *messages) == (StoreOutcome.STORED,) * 3
    assert stored(reader, chat) == messages


def test_two_workers_that_store_the_same_records_at_once_store_each_once(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = chat.messages(20)
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: record(message_writer, *messages), range(4)))
    assert {each for found in outcomes for each in found} <= {
        StoreOutcome.STORED,
        StoreOutcome.REPLAYED,
    }
    assert all(StoreOutcome.STORED in column for column in zip(*outcomes, strict=True))
    assert stored(reader, chat) == messages


def test_many_conversations_are_stored_at_once(
    message_writer: MessageWriter, reader: MessageReader
) -> None:
    chats = [Chat() for _ in range(30)]
    batches = {each: each.messages(7) for each in chats}
    futures = [
        message_writer.record(each.conversation_id, batch) for each, batch in batches.items()
    ]
    assert {future.result(30) for future in futures} == {(StoreOutcome.STORED,) * 7}
    assert {each: stored(reader, each) for each in chats} == batches


def test_a_receipt_raises_its_message_to_delivered(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, second = chat.message(), chat.message(status=Status.SENT)
    record(message_writer, first, second)
    assert mark(message_writer, chat, receipt(first, START + 5), receipt(second, START + 6)) == (
        D,
        D,
    )
    assert stored(reader, chat) == [delivered(first, START + 5), delivered(second, START + 6)]


def test_the_first_receipt_stands_for_ever(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message()
    record(message_writer, message)
    mark(message_writer, chat, receipt(message, START + 5))
    for later in (START + 5, START + 9, START + 1):
        assert mark(message_writer, chat, receipt(message, later)) == (R,)
    assert stored(reader, chat) == [delivered(message, START + 5)]


def test_within_one_call_the_first_receipt_stands(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message()
    record(message_writer, message)
    assert mark(
        message_writer, chat, receipt(message, START + 5), receipt(message, START + 9)
    ) == (D, R)
    assert stored(reader, chat) == [delivered(message, START + 5)]


@pytest.mark.parametrize("status", [Status.PENDING, Status.SENT])
def test_no_replay_takes_delivery_back(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, status: Status
) -> None:
    message = chat.message()
    record(message_writer, message)
    mark(message_writer, chat, receipt(message))
    assert record(message_writer, message._replace(status=status)) == (StoreOutcome.REPLAYED,)
    assert record(message_writer, chat.message(message_id=message.message_id)) == (
        StoreOutcome.DUPLICATE,
    )
    assert stored(reader, chat) == [delivered(message)]


def test_a_receipt_for_a_message_that_is_not_there_is_unknown(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    assert mark(message_writer, chat, Receipt(uuid4(), chat.bob, START)) == (U,)
    assert stored(reader, chat) == []


def test_a_receipt_for_another_conversation_s_message_is_unknown(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    other = Chat(chat.alice, uuid4())
    elsewhere = other.message()
    record(message_writer, elsewhere)
    record(message_writer, chat.message())
    assert mark(message_writer, chat, receipt(elsewhere)) == (U,)
    assert stored(reader, other) == [elsewhere]


def test_only_the_recipient_confirms(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    message = chat.message()
    record(message_writer, message)
    by_the_sender, by_a_stranger = receipt(message, by=chat.alice), receipt(message, by=uuid4())
    assert mark(message_writer, chat, by_the_sender, by_a_stranger) == (N, N)
    assert stored(reader, chat) == [message]
    mark(message_writer, chat, receipt(message))
    assert mark(message_writer, chat, by_the_sender) == (N,)
    assert stored(reader, chat) == [delivered(message)]


def test_good_receipts_count_beside_bad_ones(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, second, own = chat.message(), chat.message(), chat.message(sender=chat.bob)
    record(message_writer, first, second, own)
    outcomes = mark(
        message_writer,
        chat,
        receipt(first),
        Receipt(UUID(int=0), chat.bob, START),
        receipt(own, by=chat.bob),
        receipt(first, START + 9_000),
        receipt(second),
    )
    assert outcomes == (D, U, N, R, D)
    assert stored(reader, chat) == [delivered(first), delivered(second), own]


def test_a_hundred_receipts_fit_in_one_call(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = chat.messages(150)
    record(message_writer, *messages)
    assert mark(message_writer, chat, *map(receipt, messages)) == (D,) * 150
    assert stored(reader, chat) == [delivered(each) for each in messages]
