from uuid import UUID, uuid4

import pytest

from angarium.domain.message import BEGINNING, LAST_OFFSET, InboxPosition, Message, MessagePosition
from angarium.domain.page_size import MAX_PAGE_BYTES, message_bytes
from angarium.ports.messages import PENDING_COUNT_LIMIT, MessageReader, MessageWriter, Summary
from tests.contract.ports.chat import START, Chat, delivered, ids, mark, receipt, record


def test_a_conversation_without_messages_is_empty(reader: MessageReader, chat: Chat) -> None:
    assert list(reader.older(chat.conversation_id, None, 10)) == []
    assert list(reader.newer(chat.conversation_id, BEGINNING, 10)) == []
    assert dict(reader.find(chat.conversation_id, [uuid4()])) == {}
    assert list(reader.inbox(chat.bob, None, 10)) == []


def test_towards_the_past_the_newest_comes_first(
    reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    assert list(reader.older(chat.conversation_id, None, 10)) == five[::-1]
    assert list(reader.older(chat.conversation_id, None, 2)) == [five[4], five[3]]
    assert list(reader.older(chat.conversation_id, five[3].position, 2)) == [five[2], five[1]]
    assert list(reader.older(chat.conversation_id, five[0].position, 2)) == []
    assert list(reader.older(chat.conversation_id, BEGINNING, 2)) == []


def test_towards_the_present_the_oldest_comes_first(
    reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    assert list(reader.newer(chat.conversation_id, BEGINNING, 10)) == five
    assert list(reader.newer(chat.conversation_id, BEGINNING, 2)) == five[:2]
    assert list(reader.newer(chat.conversation_id, five[1].position, 2)) == five[2:4]
    assert list(reader.newer(chat.conversation_id, five[4].position, 2)) == []


def test_a_place_need_not_be_a_message_s_own(
    reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    middle = five[2].position.timestamp
    whole = MessagePosition(middle, 2**62)
    assert list(reader.newer(chat.conversation_id, whole, 10)) == five[3:]
    assert list(reader.older(chat.conversation_id, whole, 10)) == five[2::-1]
    assert list(reader.newer(chat.conversation_id, MessagePosition(middle, -1), 10)) == five[2:]
    assert list(reader.older(chat.conversation_id, MessagePosition(2**53, 0), 10)) == five[::-1]
    assert list(reader.newer(chat.conversation_id, MessagePosition(2**53, 0), 10)) == []


def test_a_walk_may_begin_at_the_end_of_any_millisecond(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = [chat.message(at=START + number // 2) for number in range(50)]
    assert list(reader.newer(chat.conversation_id, MessagePosition(START, LAST_OFFSET), 10)) == []
    for stored in (messages[:3], messages[3:]):
        record(message_writer, *stored)
        there = messages[: messages.index(stored[-1]) + 1]
        for at in (START - 1, START, START + 1, START + 15, START + 16, START + 24, START + 25):
            behind = [message for message in there if message.position.timestamp > at]
            for limit in (1, 20, 100):
                found = reader.newer(chat.conversation_id, MessagePosition(at, LAST_OFFSET), limit)
                assert list(found) == behind[:limit]


def test_messages_of_one_millisecond_stand_in_the_order_of_the_log(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    # More than ten, so that an order by the offset's text would show.
    messages = [*chat.messages(12, at=START), *chat.messages(3, at=START + 1)]
    record(message_writer, *messages[:7])
    record(message_writer, *messages[7:])
    assert list(reader.newer(chat.conversation_id, BEGINNING, 100)) == messages
    assert list(reader.newer(chat.conversation_id, messages[4].position, 100)) == messages[5:]
    assert list(reader.older(chat.conversation_id, messages[11].position, 100)) == messages[10::-1]


@pytest.mark.parametrize("at", [None, START], ids=["one a millisecond", "one millisecond"])
def test_walking_to_older_pages_skips_and_repeats_nothing_while_new_ones_come(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, at: int | None
) -> None:
    messages = chat.messages(20, at)
    record(message_writer, *messages)
    walked: list[Message] = []
    position: MessagePosition | None = None
    while page := reader.older(chat.conversation_id, position, 3):
        walked += page
        position = page[-1].position
        record(message_writer, chat.message("new", at=at))
    assert walked == messages[::-1]


@pytest.mark.parametrize("at", [None, START], ids=["one a millisecond", "one millisecond"])
def test_walking_to_newer_pages_meets_every_message_that_comes_meanwhile(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, at: int | None
) -> None:
    expected = chat.messages(10, at)
    record(message_writer, *expected)
    walked: list[Message] = []
    position = BEGINNING
    while page := reader.newer(chat.conversation_id, position, 3):
        walked += page
        position = page[-1].position
        if len(expected) < 16:
            expected += (new := chat.messages(2, at))
            record(message_writer, *new)
    assert walked == expected


def test_a_conversation_shows_no_other_s_messages(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    other = Chat(chat.alice, uuid4())
    elsewhere = other.messages(3)
    record(message_writer, *elsewhere)
    assert list(reader.older(chat.conversation_id, None, 10)) == five[::-1]
    assert dict(reader.find(chat.conversation_id, ids(elsewhere))) == {}
    assert list(reader.newer(other.conversation_id, BEGINNING, 10)) == elsewhere


def test_messages_are_found_by_their_ids(
    reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    wanted = [five[3].message_id, uuid4(), five[0].message_id, five[3].message_id]
    assert dict(reader.find(chat.conversation_id, wanted)) == {
        five[3].message_id: five[3],
        five[0].message_id: five[0],
    }
    assert dict(reader.find(chat.conversation_id, [])) == {}


def test_a_hundred_messages_are_found_at_once(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    messages = chat.messages(100)
    record(message_writer, *messages)
    found = reader.find(chat.conversation_id, ids(messages))
    assert dict(found) == {each.message_id: each for each in messages}


def test_whose_messages_are_is_told_by_their_ids(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    own = chat.message(sender=chat.bob)
    record(message_writer, own)
    wanted = [five[3].message_id, uuid4(), own.message_id, five[3].message_id]
    assert dict(reader.recipients(chat.conversation_id, wanted)) == {
        five[3].message_id: chat.bob,
        own.message_id: chat.alice,
    }
    assert dict(reader.recipients(chat.conversation_id, [])) == {}
    assert dict(reader.recipients(Chat().conversation_id, wanted)) == {}


LARGE = ["\x01" * 10_240, "a" * 10_240, "😀" + "a" * 10_236]


@pytest.mark.parametrize(
    "text", LARGE, ids=["control characters", "letters", "letters and an emoji"]
)
def test_a_page_ends_with_the_message_that_is_one_too_many(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, text: str
) -> None:
    messages = [
        chat.message(text if number % 8 else "small", at=START + number // 3)
        for number in range(120)
    ]
    for start in range(0, 120, 40):
        record(message_writer, *messages[start : start + 40])
    middle = messages[40]
    moment = MessagePosition(START + 9, LAST_OFFSET)
    behind_moment = [each for each in messages if each.position > moment]
    reads = [
        (reader.older(chat.conversation_id, None, 101), messages[::-1]),
        (reader.older(chat.conversation_id, messages[110].position, 101), messages[109::-1]),
        (reader.newer(chat.conversation_id, BEGINNING, 101), messages),
        (reader.newer(chat.conversation_id, middle.position, 101), messages[41:]),
        (reader.newer(chat.conversation_id, moment, 101), behind_moment),
        (reader.inbox(chat.bob, None, 101), messages),
        (reader.inbox(chat.bob, chat.position(middle), 101), messages[41:]),
    ]
    for found, expected in reads:
        sizes = [message_bytes(each) for each in found]
        assert list(found) == expected[: len(found)]
        assert sum(sizes[:-1]) <= MAX_PAGE_BYTES
        assert len(found) in (101, len(expected)) or sum(sizes) > MAX_PAGE_BYTES


def test_an_inbox_holds_what_its_owner_has_not_confirmed(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, own, second, third = (
        chat.message(),
        chat.message(sender=chat.bob),
        chat.message(),
        chat.message(),
    )
    record(message_writer, first, own, second, third)
    mark(message_writer, chat, receipt(second))
    assert list(reader.inbox(chat.bob, None, 10)) == [first, third]
    assert list(reader.inbox(chat.alice, None, 10)) == [own]
    assert list(reader.inbox(uuid4(), None, 10)) == []
    mark(message_writer, chat, receipt(first), receipt(third))
    assert list(reader.inbox(chat.bob, None, 10)) == []


def test_an_inbox_is_in_order_of_time_then_conversation_then_offset(
    message_writer: MessageWriter, reader: MessageReader
) -> None:
    bob = uuid4()
    chats = sorted((Chat(bob=bob) for _ in range(3)), key=lambda each: str(each.conversation_id))
    early, late = (
        [each.messages(2, at=START + 5) for each in chats],
        chats[1].messages(12, at=START + 6),
    )
    earliest = [chats[2].message(at=START), chats[0].message(at=START + 4)]
    for batch in (early[2], late, [earliest[0]], early[0], [earliest[1]], early[1]):
        record(message_writer, *sorted(batch, key=lambda each: each.position))
    expected = [*earliest, *early[0], *early[1], *early[2], *late]
    assert list(reader.inbox(bob, None, 100)) == expected
    for number, message in enumerate(expected):
        assert list(reader.inbox(bob, chats[0].position(message), 100)) == expected[number + 1 :]
    assert list(reader.inbox(bob, None, 3)) == expected[:3]


def test_an_inbox_shows_messages_of_two_conversations_with_the_same_id(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    other = Chat(bob=chat.bob)
    first = chat.message("from alice", at=START)
    second = other.message("from another", at=START + 1, message_id=first.message_id)
    record(message_writer, first)
    record(message_writer, second)
    assert list(reader.inbox(chat.bob, None, 10)) == [first, second]
    assert list(reader.inbox(chat.bob, None, 1)) == [first]
    assert list(reader.inbox(chat.bob, chat.position(first), 1)) == [second]


def test_a_place_in_an_inbox_outlives_its_message(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, five: list[Message]
) -> None:
    position = chat.position(five[1])
    mark(message_writer, chat, receipt(five[1]), receipt(five[3]))
    assert list(reader.inbox(chat.bob, position, 10)) == [five[2], five[4]]


def test_walking_an_inbox_skips_and_repeats_nothing_while_it_changes(
    message_writer: MessageWriter, reader: MessageReader
) -> None:
    bob = uuid4()
    chats = [Chat(bob=bob) for _ in range(3)]
    expected: list[Message] = []
    for each in chats:
        batch = each.messages(6, at=START)
        record(message_writer, *batch)
        expected += batch
    walked: list[Message] = []
    position: InboxPosition | None = None
    while page := reader.inbox(bob, position, 4):
        walked += page
        position = chats[0].position(page[-1])
        last = page[-1]
        chat = next(each for each in chats if each.conversation_id == last.conversation_id)
        mark(message_writer, chat, receipt(last))
    expected.sort(key=chats[0].position)
    assert walked == expected


def test_a_summary_shows_the_newest_message_and_counts_what_waits_for_the_user(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first, second, own = (
        chat.message(at=START),
        chat.message(at=START),
        chat.message(sender=chat.bob, at=START),
    )
    record(message_writer, first, second, own)
    ask = [chat.conversation_id]
    assert reader.summaries(chat.bob, ask)[ask[0]] == Summary(own, 2)
    assert reader.summaries(chat.alice, ask)[ask[0]] == Summary(own, 1)
    mark(message_writer, chat, receipt(first), receipt(own))
    assert reader.summaries(chat.bob, ask)[ask[0]] == Summary(delivered(own), 1)
    assert reader.summaries(chat.alice, ask)[ask[0]] == Summary(delivered(own), 0)


def test_every_conversation_asked_for_has_a_summary(
    message_writer: MessageWriter, reader: MessageReader
) -> None:
    bob = uuid4()
    chats = [Chat(bob=bob) for _ in range(100)]
    last: dict[UUID, Message] = {}
    for number, each in enumerate(chats[:10]):
        messages = each.messages(number + 1)
        record(message_writer, *messages)
        last[each.conversation_id] = messages[-1]
    found = reader.summaries(bob, [each.conversation_id for each in chats])
    assert dict(found) == {
        each.conversation_id: Summary(
            last.get(each.conversation_id), number + 1 if number < 10 else 0
        )
        for number, each in enumerate(chats)
    }
    assert dict(reader.summaries(bob, [])) == {}


@pytest.mark.parametrize(
    "waiting", [PENDING_COUNT_LIMIT - 1, PENDING_COUNT_LIMIT, PENDING_COUNT_LIMIT + 5]
)
def test_a_summary_counts_to_a_hundred_and_no_further(
    message_writer: MessageWriter, reader: MessageReader, chat: Chat, waiting: int
) -> None:
    early = chat.messages(20)
    messages = [*early, *chat.messages(waiting)]
    record(message_writer, *messages)
    mark(message_writer, chat, *map(receipt, early))
    summary = reader.summaries(chat.bob, [chat.conversation_id])[chat.conversation_id]
    assert summary == Summary(messages[-1], min(waiting, PENDING_COUNT_LIMIT))
