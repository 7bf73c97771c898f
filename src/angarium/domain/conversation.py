"""A private conversation of two users, and its position in a list."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Conversation:
    """A private conversation of two users.

    Attributes:
        conversation_id: Made from the pair; also the key of its records
            in the log.
        participant_ids: The two users, sorted by the text of their ids.
        created_at: Milliseconds since the epoch, the same for every
            reader.
    """

    conversation_id: UUID
    participant_ids: tuple[UUID, UUID]
    created_at: int

    def other(self, user_id: UUID) -> UUID:
        """Return the participant that a user writes to.

        Args:
            user_id: One of the two participants.

        Returns:
            The other one.
        """
        first, second = self.participant_ids
        return second if user_id == first else first


@dataclass(frozen=True, slots=True, order=True)
class ConversationPosition:
    """The position of a conversation in a user's list: by creation.

    Attributes:
        created_at: Milliseconds since the epoch.
        conversation_id: Breaks ties, in the order of the id's text.
    """

    created_at: int
    conversation_id: UUID
