from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message, MessagePosition
from angarium.domain.page_size import MAX_PAGE_BYTES
from angarium.ports.conversations import ConversationStore
from angarium.ports.messages import MessageWriter
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreInspector
from tests.contract.ports.chat import START, Chat, delivered, mark, receipt, record
from tests.contract.ports.damage import Damage


def index_row(message: Message) -> IndexRow:
    return IndexRow(message.message_id, message.position, message.sender_id)


def key(message: Message) -> MessageKey:
    return MessageKey(message.position, message.message_id)


def walk_ids(inspector: StoreInspector, limit: int) -> list[UUID]:
    walked: list[UUID] = []
    while page := inspector.conversation_ids(walked[-1] if walked else None, limit):
        assert len(page) <= limit
        walked += page
    return walked


def walk_messages(inspector: StoreInspector, conversation_id: UUID, limit: int) -> list[Message]:
    walked: list[Message] = []
    while page := inspector.messages(conversation_id, key(walked[-1]) if walked else None, limit):
        assert len(page) <= limit
        walked += page
    return walked


def walk_index(inspector: StoreInspector, conversation_id: UUID, limit: int) -> list[IndexRow]:
    walked: list[IndexRow] = []
    while page := inspector.index(
        conversation_id, walked[-1].message_id if walked else None, limit
    ):
        assert len(page) <= limit
        walked += page
    return walked


def found(
    inspector: StoreInspector, message: Message
) -> tuple[IndexRow | None, Sequence[Message]]:
    row, messages = inspector.find(message.conversation_id, message.message_id)
    return row, list(messages)


def test_nothing_is_stored_of_a_conversation_that_nobody_began(
    inspector: StoreInspector, chat: Chat
) -> None:
    assert list(inspector.messages(chat.conversation_id, None, 10)) == []
    assert list(inspector.index(chat.conversation_id, None, 10)) == []
    assert found(inspector, chat.message()) == (None, [])
    assert chat.conversation_id not in walk_ids(inspector, 100)


@pytest.mark.parametrize("limit", [2, 1_000])
def test_every_conversation_with_a_row_of_any_kind_is_walked_once(
    inspector: StoreInspector,
    conversations: ConversationStore,
    message_writer: MessageWriter,
    damage: Damage,
    limit: int,
) -> None:
    chats = [Chat() for _ in range(7)]
    for each in chats:
        record(message_writer, *each.messages(2))
    without_messages, only_message, only_index = Chat(), Chat(), Chat()
    participants = tuple(sorted((without_messages.alice, without_messages.bob)))
    first, second = participants
    conversations.create(
        Conversation(without_messages.conversation_id, (first, second), START), uuid4()
    )
    damage.put_message(only_message.message())
    damage.put_index(only_index.conversation_id, index_row(only_index.message()))
    walked = walk_ids(inspector, limit)
    assert len(walked) == len(set(walked))
    expected = {
        each.conversation_id for each in (*chats, without_messages, only_message, only_index)
    }
    assert expected <= set(walked)


def test_an_order_of_conversations_stays_the_same(
    inspector: StoreInspector, message_writer: MessageWriter
) -> None:
    chats = [Chat() for _ in range(5)]
    for each in chats:
        record(message_writer, each.message())
    ours = {each.conversation_id for each in chats}
    orders = [
        [each for each in walk_ids(inspector, limit) if each in ours] for limit in (1, 3, 50)
    ]
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_rows_come_as_they_are(
    inspector: StoreInspector,
    message_writer: MessageWriter,
    chat: Chat,
    five: list[Message],
    limit: int,
) -> None:
    mark(message_writer, chat, receipt(five[2]))
    record(message_writer, Chat(chat.alice).message())
    expected = [*five[:2], delivered(five[2]), *five[3:]]
    assert walk_messages(inspector, chat.conversation_id, limit) == expected
    index = walk_index(inspector, chat.conversation_id, limit)
    assert sorted(index) == sorted(map(index_row, five))
    assert index == walk_index(inspector, chat.conversation_id, 3)


def test_a_walk_skips_no_row_at_one_position_whatever_the_page_is(
    inspector: StoreInspector, damage: Damage, chat: Chat
) -> None:
    position = MessagePosition(START, 7)
    twins = [chat.message()._replace(position=position) for _ in range(5)]
    for each in twins:
        damage.put_message(each)
    for limit in (1, 2, 10):
        walked = walk_messages(inspector, chat.conversation_id, limit)
        assert sorted(map(key, walked)) == sorted(map(key, twins))


def test_ids_of_every_version_are_walked(
    inspector: StoreInspector, message_writer: MessageWriter, chat: Chat
) -> None:
    # Cassandra sorts ids by their version first.
    ids = [
        UUID(f"{first}0000000-0000-{version}000-8000-{number:012x}")
        for first in "0f"
        for number, version in enumerate("14567", 1)
    ]
    record(message_writer, *(chat.message(message_id=each) for each in ids))
    for limit in (1, 3, 100):
        walked = walk_index(inspector, chat.conversation_id, limit)
        assert sorted(row.message_id for row in walked) == sorted(ids)


def test_a_page_of_large_texts_ends_sooner(
    inspector: StoreInspector, message_writer: MessageWriter, chat: Chat
) -> None:
    texts = ["x" * 10_240, "\U0001f600" * 2_560, '"' * 10_240]
    messages = [chat.message(texts[number % 3]) for number in range(150)]
    record(message_writer, *messages)
    page = inspector.messages(chat.conversation_id, None, 1_000)
    assert sum(len(each.content.encode()) for each in page) <= MAX_PAGE_BYTES
    assert walk_messages(inspector, chat.conversation_id, 1_000) == messages


def test_what_is_damaged_is_shown(
    inspector: StoreInspector, damage: Damage, chat: Chat, five: list[Message]
) -> None:
    changed = five[1]._replace(content="changed")
    elsewhere = MessagePosition(START + 77, 77)
    damage.delete_message(five[0])
    damage.put_message(changed)
    damage.delete_index(chat.conversation_id, five[2].message_id)
    damage.put_index(chat.conversation_id, index_row(five[3])._replace(position=elsewhere))
    assert walk_messages(inspector, chat.conversation_id, 10) == [changed, *five[2:]]
    assert sorted(walk_index(inspector, chat.conversation_id, 10)) == sorted(
        [
            index_row(five[0]),
            index_row(five[1]),
            index_row(five[3])._replace(position=elsewhere),
            index_row(five[4]),
        ]
    )


def test_a_message_is_found_with_all_that_is_stored_under_its_id(
    inspector: StoreInspector, damage: Damage, chat: Chat, five: list[Message]
) -> None:
    assert found(inspector, five[3]) == (index_row(five[3]), [five[3]])
    damage.delete_message(five[0])
    assert found(inspector, five[0]) == (index_row(five[0]), [])
    again = five[1]._replace(position=MessagePosition(START + 100, 100))
    damage.put_message(again)
    damage.delete_index(chat.conversation_id, five[1].message_id)
    assert found(inspector, five[1]) == (None, [five[1], again])
    moved = index_row(five[2])._replace(position=MessagePosition(START + 77, 77))
    damage.put_index(chat.conversation_id, moved)
    assert found(inspector, five[2]) == (moved, [five[2]])


def test_a_message_is_found_in_its_own_conversation_only(
    inspector: StoreInspector, message_writer: MessageWriter, five: list[Message]
) -> None:
    other = Chat()
    twin = other.message(message_id=five[0].message_id)
    record(message_writer, twin)
    assert found(inspector, twin) == (index_row(twin), [twin])
    elsewhere = five[1]._replace(conversation_id=other.conversation_id)
    assert found(inspector, elsewhere) == (None, [])


def test_the_log_explains_everything_until_an_import_or_retention_says_otherwise(
    inspector: StoreInspector,
) -> None:
    assert dict(inspector.log_starts()) == {}


def test_nodes_and_replicas_are_named_where_there_are_any(
    inspector: StoreInspector, chat: Chat
) -> None:
    nodes = inspector.nodes()
    replicas = list(inspector.replicas(chat.conversation_id))
    assert [node.address for node in nodes] == sorted(node.address for node in nodes)
    assert replicas == sorted(replicas)
    assert set(replicas) <= {node.address for node in nodes if node.is_up}
    assert bool(nodes) == bool(replicas)


def test_a_store_has_nodes_or_a_file_with_a_size_or_neither(inspector: StoreInspector) -> None:
    size = inspector.size_bytes()
    assert size is None or (size > 0 and not inspector.nodes())
