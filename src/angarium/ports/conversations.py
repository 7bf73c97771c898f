"""Where conversations are kept."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from angarium.domain.conversation import Conversation, ConversationPosition


class ConversationStore(Protocol):
    """Conversations by id and by user; blocks within the deadline in
    force; used by any thread.

    Every method raises StoreUnavailable when the store does not answer
    in time.
    """

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        """Keep a conversation unless it is there already, in both
        lists; safe to repeat and to race.

        Args:
            conversation: The candidate.
            claim: Whose candidate it is: nobody else's, and the same
                when the call is repeated for want of an answer.

        Returns:
            The conversation as every reader sees it from now on, and
            True for exactly one of all racing claims: the one whose
            candidate it is.
        """
        ...

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        """Find a conversation of a participant.

        The question names both, so that a conversation of others takes
        the same way, and the same time, as one that is not there.

        Args:
            conversation_id: Which.
            participant_id: Who must be in it.

        Returns:
            The conversation, None when there is none or they are not in
            it.
        """
        ...

    def of_user(
        self, user_id: UUID, after: ConversationPosition | None, limit: int
    ) -> Sequence[Conversation]:
        """List a user's conversations.

        Args:
            user_id: A participant.
            after: Strictly behind this place in the list; None starts
                with the newest.
            limit: At most so many.

        Returns:
            Descending by `ConversationPosition`: newest first.
        """
        ...

    def check(self) -> None:
        """See whether the store answers now, within the deadline in
        force and 1 s at most.

        Raises:
            StoreUnavailable: It does not.
        """
        ...
