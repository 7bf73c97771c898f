"""An import into a store in memory."""

from collections.abc import Mapping, Sequence

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message
from angarium.domain.user import User
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.message_log import Position
from tests.fakes.conversations import MemoryConversations
from tests.fakes.messages import MemoryMessages
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.fakes.users import MemoryUsers


class MemoryBulkLoader:
    """Puts rows into the other fakes."""

    def __init__(
        self,
        users: MemoryUsers,
        conversations: MemoryConversations,
        messages: MemoryMessages,
        inspector: MemoryStoreInspector,
    ) -> None:
        self._users = users
        self._conversations = conversations
        self._messages = messages
        self._inspector = inspector
        self._marker: ImportMarker | None = None

    def marker(self) -> ImportMarker | None:
        return self._marker

    def claim(self, sha256: str) -> ImportMarker:
        self._marker = self._marker or ImportMarker(sha256)
        return self._marker

    def advance(self, marker: ImportMarker) -> None:
        mine = self._marker
        if mine is not None and mine.sha256 == marker.sha256 and not mine.is_finished:
            self._marker = marker

    def reopen(self, sha256: str) -> None:
        if self._marker is not None and self._marker.sha256 == sha256:
            self._marker = ImportMarker(sha256)

    def put_users(self, users: Sequence[User]) -> None:
        for user in users:
            self._users.replace(user)

    def put_conversations(self, conversations: Sequence[Conversation]) -> None:
        for each in conversations:
            self._conversations.create(each, each.conversation_id)

    def put_messages(self, messages: Sequence[Message]) -> None:
        for each in messages:
            self._messages.put(each)

    def flush(self) -> None:
        return

    def put_log_starts(self, starts: Mapping[int, Position]) -> None:
        self._inspector.starts.update(starts)
