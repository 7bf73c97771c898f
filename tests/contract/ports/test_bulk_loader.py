"""What an import has written is as if the service had written it."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from uuid import uuid4

import pytest

from angarium.domain.conversation import Conversation
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.ports.bulk_load import BulkLoader, ImportMarker
from angarium.ports.conversations import ConversationStore
from angarium.ports.message_log import Position
from angarium.ports.messages import MessageReader, MessageWriter, ReceiptOutcome, StoreOutcome
from angarium.ports.store_inspection import IndexRow, StoreInspector
from angarium.ports.users import UserStore
from tests.contract.ports.chat import START, Chat, delivered, ids, mark, receipt, record

SHA256 = "ab" * 32


def user(name: str, password_hash: str = "$scrypt$1", created_at: int = START) -> User:
    return User(user_id_for(name), name, password_hash, created_at)


def load(loader: BulkLoader, messages: Sequence[Message]) -> None:
    loader.put_messages(messages)
    loader.flush()


def walk(reader: MessageReader, chat: Chat) -> list[Message]:
    """Read a conversation page by page, towards the present."""
    walked: list[Message] = []
    after = BEGINNING
    while page := reader.newer(chat.conversation_id, after, 100):
        walked += page
        after = page[-1].position
    return walked


def mixed(chat: Chat, number: int, random: Random) -> list[Message]:
    """Return messages of both users, many of them DELIVERED."""
    messages = []
    for _ in range(number):
        sent = chat.message(sender=random.choice([chat.alice, chat.bob]))
        state = random.random()
        if state < 0.6:
            messages.append(delivered(sent, sent.position.timestamp + random.randrange(9)))
        else:
            messages.append(sent._replace(status=Status.SENT if state < 0.8 else Status.PENDING))
    return messages


def require_inboxes(reader: MessageReader, chat: Chat, messages: Sequence[Message]) -> None:
    """Compare both inboxes, page by page, and both pending counts."""
    for person in (chat.alice, chat.bob):
        waiting = [
            each
            for each in messages
            if each.recipient_id == person and each.status is not Status.DELIVERED
        ]
        found: list[Message] = []
        while page := reader.inbox(person, chat.position(found[-1]) if found else None, 7):
            found += page
        assert found == waiting
        summary = reader.summaries(person, [chat.conversation_id])[chat.conversation_id]
        assert summary.pending_count == min(100, len(waiting))
        assert summary.last_message == messages[-1]


def test_a_store_has_no_marker_before_the_first_claim(loader: BulkLoader) -> None:
    assert loader.marker() is None


def test_the_first_claim_stands(loader: BulkLoader) -> None:
    assert loader.claim(SHA256) == ImportMarker(SHA256)
    assert loader.claim("cd" * 32) == ImportMarker(SHA256)
    assert loader.claim(SHA256) == ImportMarker(SHA256)
    assert loader.marker() == ImportMarker(SHA256)


def test_a_marker_moves_for_the_export_that_has_the_claim(loader: BulkLoader) -> None:
    loader.claim(SHA256)
    moved = ImportMarker(SHA256, 12_345, is_finished=True)
    loader.advance(moved)
    loader.advance(ImportMarker("cd" * 32, 1))
    assert loader.marker() == moved
    assert loader.claim(SHA256) == moved


def test_a_finished_marker_stays_until_it_is_reopened(loader: BulkLoader) -> None:
    loader.claim(SHA256)
    loader.advance(ImportMarker(SHA256, 5))
    assert loader.marker() == ImportMarker(SHA256, 5)
    finished = ImportMarker(SHA256, 12_345, is_finished=True)
    loader.advance(finished)
    loader.advance(ImportMarker(SHA256, 10))
    loader.reopen("cd" * 32)
    assert loader.marker() == finished
    loader.reopen(SHA256)
    assert loader.marker() == ImportMarker(SHA256)


def test_users_are_added_and_replaced_completely(loader: BulkLoader, users: UserStore) -> None:
    known, new = (f"{name}-{uuid4().hex[:8]}" for name in ("known", "new"))
    users.put(user(known, "$scrypt$old", START - 5))
    imported = [user(known, "$scrypt$2", START), user(new, "!", START + 1)]
    for _ in range(2):
        loader.put_users(imported)
        assert [users.get(each.user_id) for each in imported] == imported


def test_conversations_are_in_both_lists_with_their_time(
    loader: BulkLoader, conversations: ConversationStore
) -> None:
    alice, others = uuid4(), [uuid4() for _ in range(200)]
    made = []
    for number, other in enumerate(others):
        first, second = sorted((alice, other))
        made.append(
            Conversation(conversation_id_for(alice, other), (first, second), START - number)
        )
    for _ in range(2):
        loader.put_conversations(made)
        assert list(conversations.of_user(alice, None, 300)) == made
        assert list(conversations.of_user(others[7], None, 300)) == [made[7]]
        assert conversations.create(replace(made[7], created_at=START), uuid4()) == (
            made[7],
            False,
        )


def test_messages_are_read_as_they_were(
    loader: BulkLoader, reader: MessageReader, inspector: StoreInspector, chat: Chat
) -> None:
    messages = mixed(chat, 300, Random(1))
    for _ in range(2):
        load(loader, messages)
        assert walk(reader, chat) == messages
        found = reader.find(chat.conversation_id, ids(messages[:100]))
        assert found == {each.message_id: each for each in messages[:100]}
    rows = inspector.index(chat.conversation_id, None, 1_000)
    assert sorted(rows) == sorted(
        IndexRow(each.message_id, each.position, each.sender_id) for each in messages
    )


@pytest.mark.parametrize("seed", range(4))
def test_inboxes_are_as_they_were(
    loader: BulkLoader, reader: MessageReader, chat: Chat, seed: int
) -> None:
    messages = mixed(chat, 250, Random(seed))
    load(loader, messages)
    require_inboxes(reader, chat, messages)


def test_a_conversation_may_come_in_parts(
    loader: BulkLoader, reader: MessageReader, chat: Chat
) -> None:
    other = Chat()
    messages, others = mixed(chat, 130, Random(5)), mixed(other, 20, Random(6))
    load(loader, messages[:50])
    loader.put_messages(messages[50:90])
    loader.put_messages([*messages[90:], *others[:3]])
    load(loader, others[3:])
    for of, expected in ((chat, messages), (other, others)):
        assert walk(reader, of) == expected
        require_inboxes(reader, of, expected)


def test_an_inbox_skips_what_is_confirmed_between_messages_that_wait(
    loader: BulkLoader, reader: MessageReader, chat: Chat
) -> None:
    """There are more gaps than ranges that are kept."""
    messages = []
    for number in range(400):
        sent = chat.message()
        messages.append(sent if number % 4 == 0 else delivered(sent))
    load(loader, messages)
    require_inboxes(reader, chat, messages)


def test_an_imported_id_is_never_stored_again(
    loader: BulkLoader, message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    first = chat.message("first")
    load(loader, [first])
    again = chat.message("again", message_id=first.message_id)
    foreign = chat.message("foreign", sender=chat.bob, message_id=first.message_id)
    assert record(message_writer, again, foreign) == (
        StoreOutcome.DUPLICATE,
        StoreOutcome.CONFLICT,
    )
    assert walk(reader, chat) == [first]


def test_receipts_count_for_imported_messages(
    loader: BulkLoader, message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    waiting, confirmed = chat.message(), delivered(chat.message(), START + 7)
    load(loader, [waiting, confirmed])
    outcomes = mark(message_writer, chat, receipt(waiting), receipt(confirmed))
    assert outcomes == (ReceiptOutcome.DELIVERED, ReceiptOutcome.REPEATED)
    messages = [delivered(waiting), confirmed]
    assert walk(reader, chat) == messages
    require_inboxes(reader, chat, messages)


def test_new_messages_follow_imported_ones_everywhere(
    loader: BulkLoader, message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    imported = mixed(chat, 40, Random(3))
    load(loader, imported)
    new = [chat.message(f"new {number}") for number in range(20)]
    record(message_writer, *new)
    assert walk(reader, chat) == [*imported, *new]
    require_inboxes(reader, chat, [*imported, *new])
    mark(message_writer, chat, *(receipt(each) for each in new[:10]))
    expected = [*imported, *(delivered(each) for each in new[:10]), *new[10:]]
    assert walk(reader, chat) == expected
    require_inboxes(reader, chat, expected)


def test_a_replay_at_the_same_position_changes_nothing(
    loader: BulkLoader, message_writer: MessageWriter, reader: MessageReader, chat: Chat
) -> None:
    sent = chat.message()
    confirmed = delivered(sent, sent.position.timestamp)
    load(loader, [confirmed])
    assert record(message_writer, sent) == (StoreOutcome.REPLAYED,)
    assert walk(reader, chat) == [confirmed]


def test_a_message_may_have_any_position(
    loader: BulkLoader, reader: MessageReader, chat: Chat
) -> None:
    positions = [(0, 0), (0, 2**62), (1, 5), (START, 3), (253_402_300_799_998, 0)]
    messages = [chat.message()._replace(position=MessagePosition(*each)) for each in positions]
    load(loader, messages)
    assert walk(reader, chat) == messages


def test_texts_of_the_greatest_size_are_loaded(
    loader: BulkLoader, reader: MessageReader, chat: Chat
) -> None:
    messages = [chat.message("\x01" * 10_240) for _ in range(100)]
    load(loader, messages)
    assert walk(reader, chat) == messages


def test_where_the_log_starts_is_told(loader: BulkLoader, inspector: StoreInspector) -> None:
    starts = {0: Position(0, START), 3: Position(0, START + 5)}
    for _ in range(2):
        loader.put_log_starts(starts)
        assert inspector.log_starts() == starts
