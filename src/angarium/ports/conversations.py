"""Where conversations are kept."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from angarium.domain.conversation import Conversation, ConversationPosition


class ConversationStore(Protocol):
    """Conversations by id and by user.

    Blocks within the deadline in force; used by any thread. Every
    method raises StoreUnavailable when the store does not answer in
    time.
    """

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        """Store a conversation, unless it exists, in both lists.

        It is safe to repeat and to run concurrently (docs/adr/0008).

        Args:
            conversation: The candidate.
            claim: Names this call: different from every other caller's,
                and the same when the call is repeated after a failure.

        Returns:
            The conversation as every reader sees it from now on, and
            True for exactly one of all concurrent claims: the one whose
            candidate was stored.
        """
        ...

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        """Find a conversation of a participant.

        The query names both, so that a conversation of others takes the
        same way, and the same time, as one that does not exist.

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
            after: Strictly after this position in the list; None starts
                with the newest.
            limit: The maximum number of conversations.

        Returns:
            Descending by `ConversationPosition`: newest first.
        """
        ...

    def find(self, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Conversation]:
        """Look conversations up, whoever is in them; for an export.

        Args:
            conversation_ids: At most 100.

        Returns:
            Those that exist.
        """
        ...

    def check(self) -> None:
        """Check whether the store answers now.

        It takes the deadline in force and 1 s at most.

        Raises:
            StoreUnavailable: It does not answer.
        """
        ...
