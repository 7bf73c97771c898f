"""A store that is looked at row by row, in memory."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from angarium.domain.message import Message
from angarium.domain.page_size import read_one_page
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreNode
from tests.fakes.conversations import MemoryConversations
from tests.fakes.messages import MemoryMessages


class MemoryStoreInspector:
    """Shows the rows that messages and conversations in memory would
    have, but for those that a test has damaged.

    Attributes:
        starts: What `log_starts` returns.
    """

    def __init__(self, messages: MemoryMessages, conversations: MemoryConversations) -> None:
        self._messages = messages
        self._conversations = conversations
        self._damaged_messages: dict[tuple[UUID, MessageKey], Message | None] = {}
        self._damaged_index: dict[tuple[UUID, UUID], IndexRow | None] = {}
        self.starts: dict[int, Position] = {}

    def put_message(self, message: Message) -> None:
        """Write a message row that no worker has written."""
        self._damaged_messages[message.conversation_id, _key(message)] = message

    def delete_message(self, message: Message) -> None:
        """Delete a message row, and nothing else."""
        self._damaged_messages[message.conversation_id, _key(message)] = None

    def put_index(self, conversation_id: UUID, row: IndexRow) -> None:
        """Write an index row that no worker has written."""
        self._damaged_index[conversation_id, row.message_id] = row

    def delete_index(self, conversation_id: UUID, message_id: UUID) -> None:
        """Delete an index row, and nothing else."""
        self._damaged_index[conversation_id, message_id] = None

    def conversation_ids(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        stored = {each for each in self._messages.conversation_ids() if self._has_rows(each)}
        damaged = {key for key, _ in (*self._damaged_messages, *self._damaged_index)}
        every = stored | set(filter(self._has_rows, damaged)) | set(self._conversations.ids())
        return [each for each in sorted(every) if after is None or each > after][:limit]

    def messages(
        self, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        rows = self._rows(conversation_id)
        return read_one_page(
            [rows[key] for key in sorted(rows) if after is None or key > after][:limit]
        )

    def index(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[IndexRow]:
        rows = self._index_rows(conversation_id)
        return [rows[key] for key in sorted(rows) if after is None or key > after][:limit]

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        rows = self._rows(conversation_id)
        found = [rows[key] for key in sorted(rows) if key.message_id == message_id]
        return self._index_rows(conversation_id).get(message_id), found

    def log_starts(self) -> Mapping[int, Position]:
        return self.starts

    def replicas(self, conversation_id: UUID) -> Sequence[str]:
        return ()

    def nodes(self) -> Sequence[StoreNode]:
        return ()

    def size_bytes(self) -> int | None:
        return None

    def _has_rows(self, conversation_id: UUID) -> bool:
        return bool(self._rows(conversation_id) or self._index_rows(conversation_id))

    def _rows(self, conversation_id: UUID) -> dict[MessageKey, Message]:
        rows = {_key(each): each for each in self._messages.stored(conversation_id)}
        for (damaged, key), message in self._damaged_messages.items():
            if damaged != conversation_id:
                continue
            if message is None:
                rows.pop(key, None)
            else:
                rows[key] = message
        return rows

    def _index_rows(self, conversation_id: UUID) -> dict[UUID, IndexRow]:
        rows = {
            each.message_id: IndexRow(each.message_id, each.position, each.sender_id)
            for each in self._messages.stored(conversation_id)
        }
        for (damaged, message_id), row in self._damaged_index.items():
            if damaged != conversation_id:
                continue
            if row is None:
                rows.pop(message_id, None)
            else:
                rows[message_id] = row
        return rows


def _key(message: Message) -> MessageKey:
    return MessageKey(message.position, message.message_id)
