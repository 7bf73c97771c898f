"""Conversations on Cassandra."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from angarium.deadline import within
from angarium.domain.conversation import Conversation, ConversationPosition
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.contention import retry_on_contention
from angarium.engines.cassandra.row_mapping import Row
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.single_flight import SingleFlight
from angarium.engines.cassandra.statements import Statement

CHECK_SECONDS = 1.0
_NOBODY = UUID(int=0)


class CassandraConversations:
    """Implements `ports.conversations.ConversationStore`; creation is a
    conditional write, once a pair.

    Of one conversation an instance has one such write on its way.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._creating: SingleFlight[UUID, tuple[Conversation, UUID]] = SingleFlight()

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        """Keep a conversation unless it is there; see the port.

        Args:
            conversation: The candidate.
            claim: Kept with it.

        Returns:
            The conversation as stored, and whether it is the claim's.
        """
        kept, owner = self._creating.run(
            conversation.conversation_id, lambda: self._create(conversation, claim)
        )
        return kept, owner == claim

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        """Find a conversation of a participant; see the port.

        Args:
            conversation_id: Which.
            participant_id: Who must be in it.

        Returns:
            The conversation, None when there is none or they are not in
            it.
        """
        found = self._session.execute(Statement.CONVERSATION_OF, (conversation_id, participant_id))
        return row_mapping.conversation(found[0])[0] if found else None

    def of_user(
        self, user_id: UUID, after: ConversationPosition | None, limit: int
    ) -> Sequence[Conversation]:
        """List a user's conversations; see the port.

        Args:
            user_id: A participant.
            after: Strictly behind this place; None starts with the
                newest.
            limit: At most so many.

        Returns:
            Newest first.
        """
        if after is None:
            found = self._session.execute(Statement.CONVERSATIONS_OF_USER, (user_id, limit))
        else:
            values = (user_id, after.created_at, after.conversation_id, limit)
            found = self._session.execute(Statement.CONVERSATIONS_OF_USER_BEHIND, values)
        return [_listed(user_id, row) for row in found]

    def check(self) -> None:
        """See whether enough replicas answer; see the port."""
        with within(CHECK_SECONDS):
            self._session.execute(Statement.CONVERSATION, (_NOBODY,))

    def _find(self, conversation_id: UUID) -> tuple[Conversation, UUID] | None:
        found = self._session.execute(Statement.CONVERSATION, (conversation_id,))
        return row_mapping.conversation(found[0]) if found else None

    def _create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, UUID]:
        """Return the conversation as kept, in both lists, and whose
        claim it is.
        """
        kept, owner = retry_on_contention(lambda: self._claim(conversation, claim))
        # Again for one that is there already: whoever created it may
        # have died before its lists were written.
        self._list(kept)
        return kept, owner

    def _claim(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, UUID]:
        # Most conversations that are opened are there; a read is far
        # cheaper than a conditional write.
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


def _listed(user_id: UUID, row: Row) -> Conversation:
    created_at, conversation_id, other_id = cast("tuple[int, UUID, UUID]", row)
    first, second = sorted((user_id, other_id))
    return Conversation(conversation_id, (first, second), created_at)
