"""Conversations in memory."""

import threading
from collections.abc import Mapping, Sequence
from uuid import UUID

from angarium.domain.conversation import Conversation, ConversationPosition


class MemoryConversations:
    """Keeps conversations by id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._conversations: dict[UUID, Conversation] = {}
        self._claims: dict[UUID, UUID] = {}

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        with self._lock:
            kept = self._conversations.setdefault(conversation.conversation_id, conversation)
            return kept, self._claims.setdefault(conversation.conversation_id, claim) == claim

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        with self._lock:
            found = self._conversations.get(conversation_id)
        return found if found is not None and participant_id in found.participant_ids else None

    def of_user(
        self, user_id: UUID, after: ConversationPosition | None, limit: int
    ) -> Sequence[Conversation]:
        with self._lock:
            mine = [
                each for each in self._conversations.values() if user_id in each.participant_ids
            ]
        listed = [each for each in mine if after is None or _position(each) < after]
        return sorted(listed, key=_position, reverse=True)[:limit]

    def ids(self) -> Sequence[UUID]:
        """Give the ids of all conversations."""
        with self._lock:
            return list(self._conversations)

    def find(self, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Conversation]:
        with self._lock:
            known = self._conversations
            return {each: known[each] for each in conversation_ids if each in known}

    def check(self) -> None:
        return


def _position(conversation: Conversation) -> ConversationPosition:
    return ConversationPosition(conversation.created_at, conversation.conversation_id)
