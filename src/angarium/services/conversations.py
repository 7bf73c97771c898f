"""Opening, finding and listing private conversations."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

from angarium.clock import Clock
from angarium.domain.conversation import Conversation, ConversationPosition
from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import conversation_id_for
from angarium.domain.page_size import count_fitting, message_bytes
from angarium.ports.conversations import ConversationStore
from angarium.ports.messages import MessageReader, Summary
from angarium.ports.users import UserStore
from angarium.services import cursors
from angarium.services.lru_cache import LruCache
from angarium.services.store_retry import StoreRetry

SUMMARIES_AT_ONCE = 25
"""Conversations whose last messages are read together: of the largest,
that is no more than a page."""

FIELDS_BYTES = 320
"""What a conversation takes in JSON besides its last message, rounded
up.
"""

_Item = tuple[Conversation, Summary]


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A part of a user's list of conversations.

    Attributes:
        items: Newest first, each with its summary for the user.
        limit: How many were wanted at most.
        has_more: True when older ones follow.
        next_cursor: Goes on behind the last item; None exactly when
            there is no more.
    """

    items: tuple[_Item, ...]
    limit: int
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _Known:
    """A conversation that is remembered.

    Attributes:
        conversation: It never changes.
        listed: Whether it is in both lists for certain; one that was
            only found may have been left half made.
    """

    conversation: Conversation
    listed: bool


class Conversations:
    """A user's conversations; blocks on the store except where it says
    so; used by any thread.
    """

    def __init__(
        self,
        store: ConversationStore,
        users: UserStore,
        messages: MessageReader,
        clock: Clock,
        calls: StoreRetry,
        cache_size: int = 50_000,
    ) -> None:
        """Put the parts together.

        Args:
            store: Keeps conversations.
            users: Keeps users.
            messages: Sums conversations up.
            clock: Tells the time.
            calls: Asks the stores.
            cache_size: Conversations that are remembered, each for both
                participants; they never change.
        """
        self._store = store
        self._users = users
        self._messages = messages
        self._clock = clock
        self._calls = calls
        # By participant too: what a stranger asks is never there,
        # whatever is remembered of it.
        self._known: LruCache[tuple[UUID, UUID], _Known] = LruCache(2 * cache_size)

    def open(self, caller_id: UUID, participant_ids: Sequence[UUID]) -> tuple[Conversation, bool]:
        """Give the conversation of the caller and another user, making
        it if there is none.

        Args:
            caller_id: Who asks.
            participant_ids: The other user, or both.

        Returns:
            The conversation, and True when this call made it.

        Raises:
            Refused: `invalid_participants` when the ids name no single
                other user, `user_not_found` when nobody has the other's
                id.
            StoreUnavailable: The store did not answer.
        """
        other_id = other_participant(caller_id, participant_ids)
        conversation_id = conversation_id_for(caller_id, other_id)
        remembered = self._known.get((caller_id, conversation_id))
        if remembered is not None and remembered.listed:
            return remembered.conversation, False
        if self._calls(lambda: self._users.get(other_id)) is None:
            raise Refused.because(
                Code.USER_NOT_FOUND,
                f"There is no user with the id {other_id}; look the id up by the user's name.",
                field="participant_ids",
            )
        first, second = sorted((caller_id, other_id), key=str)
        candidate = Conversation(conversation_id, (first, second), self._clock.now_ms())
        claim = uuid4()
        conversation, is_new = self._calls(lambda: self._store.create(candidate, claim))
        self._remember(_Known(conversation, listed=True))
        return conversation, is_new

    def known(self, caller_id: UUID, conversation_id: UUID) -> Conversation | None:
        """Give a conversation that was seen before, without asking the
        store; never blocks.

        Args:
            caller_id: Who asks.
            conversation_id: Which conversation.

        Returns:
            The conversation; None when this instance does not remember
            it, or the caller is not in it.
        """
        # An answer sooner than the store's, or while it is out, would
        # tell a stranger that there is one.
        remembered = self._known.get((caller_id, conversation_id))
        return None if remembered is None else remembered.conversation

    def get(self, caller_id: UUID, conversation_id: UUID) -> Conversation:
        """Give a conversation.

        Args:
            caller_id: Who asks.
            conversation_id: Which conversation.

        Returns:
            The conversation.

        Raises:
            Refused: `conversation_not_found` when there is none, or the
                caller is not in it.
            StoreUnavailable: The store did not answer.
        """
        remembered = self.known(caller_id, conversation_id)
        if remembered is not None:
            return remembered
        conversation = self._calls(lambda: self._store.get(conversation_id, caller_id))
        if conversation is None:
            raise _not_found(conversation_id)
        if self._known.get((caller_id, conversation_id)) is None:
            # Somebody may have opened it meanwhile.
            self._remember(_Known(conversation, listed=False))
        return conversation

    def _remember(self, known: _Known) -> None:
        """Keep a conversation for both of its participants."""
        for participant_id in known.conversation.participant_ids:
            self._known.put((participant_id, known.conversation.conversation_id), known)

    def page(self, caller_id: UUID, limit: int, cursor: str | None) -> ConversationPage:
        """List the caller's conversations, newest first.

        Args:
            caller_id: Who asks.
            limit: At most so many, 1 to 100.
            cursor: From an earlier page; None starts with the newest.

        Returns:
            The page, which ends early where it would have too many
            bytes.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        after = cursors.read_conversations(cursor, caller_id) if cursor is not None else None
        found = self._calls(lambda: self._store.of_user(caller_id, after, limit + 1))
        items = self._summed_up(caller_id, found[:limit])
        has_more = len(found) > len(items)
        following = _next(caller_id, items[-1][0]) if has_more else None
        return ConversationPage(items, limit, has_more, following)

    def _summed_up(
        self, caller_id: UUID, conversations: Sequence[Conversation]
    ) -> tuple[_Item, ...]:
        """Return as many conversations with their summaries as fit on a
        page.

        They are read some at a time: each brings a message with it.
        """
        items: list[_Item] = []
        for start in range(0, len(conversations), SUMMARIES_AT_ONCE):
            some = conversations[start : start + SUMMARIES_AT_ONCE]
            ids = [conversation.conversation_id for conversation in some]
            summaries = self._calls(partial(self._messages.summaries, caller_id, ids))
            items += [(each, summaries[each.conversation_id]) for each in some]
            fit = count_fitting(map(_bytes, items))
            if fit < len(items):
                return tuple(items[:fit])
        return tuple(items)


def _bytes(item: _Item) -> int:
    """Return how many bytes a conversation takes in JSON, no fewer than
    it takes.
    """
    last = item[1].last_message
    return FIELDS_BYTES + (message_bytes(last) if last is not None else 0)


def _next(caller_id: UUID, last: Conversation) -> str:
    return cursors.write_conversations(
        caller_id, ConversationPosition(last.created_at, last.conversation_id)
    )


def other_participant(caller_id: UUID, participant_ids: Sequence[UUID]) -> UUID:
    """Tell with whom a conversation is to be opened.

    Args:
        caller_id: Who asks.
        participant_ids: The other user, or both.

    Returns:
        The other one's id; whether it is a user's is not checked.

    Raises:
        Refused: `invalid_participants` when the ids name no single
            other user.
    """
    others = [participant_id for participant_id in participant_ids if participant_id != caller_id]
    if len(participant_ids) > 2 or len(others) != 1:
        raise Refused.because(
            Code.INVALID_PARTICIPANTS,
            f"The {len(participant_ids)} ids name {len(others)} others; send the id of exactly "
            "one other "
            "user, with or without your own.",
            field="participant_ids",
        )
    return others[0]


def _not_found(conversation_id: UUID) -> Refused:
    return Refused.because(
        Code.CONVERSATION_NOT_FOUND,
        f"You have no conversation {conversation_id}; open one with its other participant first.",
    )
