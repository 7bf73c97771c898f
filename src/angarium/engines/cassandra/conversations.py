"""Conversations on Cassandra."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from angarium.deadline import within
from angarium.domain.conversation import Conversation, ConversationPosition
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.contention import retry_on_contention
from angarium.engines.cassandra.row_mapping import Row
from angarium.engines.cassandra.session import CALL_S, CassandraSession
from angarium.engines.cassandra.single_flight import SingleFlight
from angarium.engines.cassandra.statements import Statement

CHECK_S = 1.0
"""As `ConversationStore.check` promises; a probe asks again soon."""
_NOBODY = UUID(int=0)
"""The id of no conversation: version 5 ids are never 0."""


class CassandraConversations:
    """Implements `ports.conversations.ConversationStore`.

    A conversation is created by a conditional write (docs/adr/0008). A
    process has at most one of them in flight per conversation.
    """

    def __init__(self, session: CassandraSession) -> None:
        """Share a session; merge calls for one conversation."""
        self._session = session
        self._creating: SingleFlight[UUID, tuple[Conversation, UUID]] = SingleFlight()

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        """Implements `ConversationStore.create`."""
        kept, owner = self._creating.run(
            conversation.conversation_id, lambda: self._create(conversation, claim)
        )
        return kept, owner == claim

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        """Implements `ConversationStore.get`."""
        found = self._session.execute(Statement.CONVERSATION_OF, (conversation_id, participant_id))
        return row_mapping.conversation(found[0])[0] if found else None

    def of_user(
        self, user_id: UUID, after: ConversationPosition | None, limit: int
    ) -> Sequence[Conversation]:
        """Implements `ConversationStore.of_user`."""
        if after is None:
            found = self._session.execute(Statement.CONVERSATIONS_OF_USER, (user_id, limit))
        else:
            values = (user_id, after.created_at, after.conversation_id, limit)
            found = self._session.execute(Statement.CONVERSATIONS_OF_USER_AFTER, values)
        return [_to_conversation(user_id, row) for row in found]

    def find(self, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Conversation]:
        """Implements `ConversationStore.find`, side by side."""
        with within(CALL_S):
            answers = [
                self._session.submit(Statement.CONVERSATION, (each,)) for each in conversation_ids
            ]
            found = [row for answer in answers for row in self._session.wait(answer)]
        conversations = [row_mapping.conversation(row)[0] for row in found]
        return {each.conversation_id: each for each in conversations}

    def check(self) -> None:
        """Implements `ConversationStore.check`."""
        with within(CHECK_S):
            self._session.execute(Statement.CONVERSATION, (_NOBODY,))

    def _find(self, conversation_id: UUID) -> tuple[Conversation, UUID] | None:
        """Return a conversation and its claim, or None."""
        found = self._session.execute(Statement.CONVERSATION, (conversation_id,))
        return row_mapping.conversation(found[0]) if found else None

    def _create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, UUID]:
        """Return what is stored, once it is in both lists too."""
        kept, owner = retry_on_contention(lambda: self._claim(conversation, claim))
        # Also for one that exists: the process that created it may have
        # died before it wrote the lists.
        self._list(kept)
        return kept, owner

    def _claim(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, UUID]:
        """Return what is stored, and store it if need be."""
        # Most conversations exist already; a read is far cheaper than a
        # conditional write.
        found = self._find(conversation.conversation_id)
        if found is None:
            participants = list(conversation.participant_ids)
            values = (conversation.conversation_id, participants, conversation.created_at, claim)
            self._session.execute(Statement.ADD_CONVERSATION, values)
            found = self._find(conversation.conversation_id)
        if found is None:
            raise StoreUnavailable("a conversation that was just created is not visible yet")
        return found

    def _list(self, conversation: Conversation) -> None:
        """Add a conversation to the lists of both participants."""
        writes = [
            self._session.submit(
                Statement.ADD_CONVERSATION_OF_USER,
                (
                    user_id,
                    conversation.created_at,
                    conversation.conversation_id,
                    conversation.other(user_id),
                ),
            )
            for user_id in conversation.participant_ids
        ]
        for write in writes:
            self._session.wait(write)


def _to_conversation(user_id: UUID, row: Row) -> Conversation:
    """Make a conversation from a row of a user's list."""
    created_at, conversation_id, other_id = cast("tuple[int, UUID, UUID]", row)
    first, second = sorted((user_id, other_id))
    return Conversation(conversation_id, (first, second), created_at)
