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
"""Conversations whose last messages are read together: 25 of the
largest are no more than a page.
"""

FIELDS_BYTES = 320
"""What a conversation takes in JSON besides its last message, rounded
up: three ids of 36 characters, a time, a count and their field names.
"""

_Item = tuple[Conversation, Summary]


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A part of a user's list of conversations.

    Attributes:
        items: Newest first, each with its summary for the user.
        limit: The maximum that the caller asked for.
        has_more: True when older ones follow.
        next_cursor: Goes on after the last item; None exactly when
            `has_more` is False.
    """

    items: tuple[_Item, ...]
    limit: int
    has_more: bool
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class _CachedConversation:
    """A conversation in memory.

    Attributes:
        conversation: It never changes.
        listed: True when it is in both users' lists for certain. One
            that was only found may be half made, by a process that
            died.
    """

    conversation: Conversation
    listed: bool


class Conversations:
    """Opens, finds and lists a user's conversations.

    Used by any thread; blocks on the store except where it says so.
    """

    def __init__(
        self,
        store: ConversationStore,
        users: UserStore,
        messages: MessageReader,
        clock: Clock,
        retry: StoreRetry,
        cache_size: int = 50_000,
    ) -> None:
        """Put the parts together.

        Args:
            store: Keeps conversations.
            users: Keeps users.
            messages: Gives each conversation's summary.
            clock: The creation time of new conversations.
            retry: Repeats calls to the stores.
            cache_size: Maximum number of conversations in memory, each
                for both participants; they never change.
        """
        self._store = store
        self._users = users
        self._messages = messages
        self._clock = clock
        self._retry = retry
        # By participant too: a stranger never finds one in memory, so
        # the time to answer does not depend on who asked before.
        self._known: LruCache[tuple[UUID, UUID], _CachedConversation] = LruCache(2 * cache_size)

    def open(self, caller_id: UUID, participant_ids: Sequence[UUID]) -> tuple[Conversation, bool]:
        """Return the caller's conversation with another user.

        It is made if there is none.

        Args:
            caller_id: Who asks.
            participant_ids: The other user, or both.

        Returns:
            The conversation, and True when this call made it.

        Raises:
            Refused: `invalid_participants` unless the ids name exactly
                one other user, `user_not_found` when nobody has the
                other's id.
            StoreUnavailable: The store did not answer.
        """
        other_id = other_participant(caller_id, participant_ids)
        conversation_id = conversation_id_for(caller_id, other_id)
        remembered = self._known.get((caller_id, conversation_id))
        if remembered is not None and remembered.listed:
            return remembered.conversation, False
        if self._retry(lambda: self._users.get(other_id)) is None:
            raise Refused.because(
                Code.USER_NOT_FOUND,
                f"There is no user with the id {other_id}; look the id up by the user's name.",
                field="participant_ids",
            )
        first, second = sorted((caller_id, other_id), key=str)
        candidate = Conversation(conversation_id, (first, second), self._clock.now_ms())
        claim = uuid4()
        conversation, is_new = self._retry(lambda: self._store.create(candidate, claim))
        self._remember(_CachedConversation(conversation, listed=True))
        return conversation, is_new

    def find_cached(self, caller_id: UUID, conversation_id: UUID) -> Conversation | None:
        """Return a conversation from memory; never blocks.

        Args:
            caller_id: Who asks.
            conversation_id: Which conversation.

        Returns:
            The conversation; None when it is not in this instance's
            memory, or the caller is not in it.
        """
        # A faster answer, or one during an outage, would show a
        # stranger that the conversation exists.
        remembered = self._known.get((caller_id, conversation_id))
        return None if remembered is None else remembered.conversation

    def get(self, caller_id: UUID, conversation_id: UUID) -> Conversation:
        """Return a conversation, from memory or from the store.

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
        remembered = self.find_cached(caller_id, conversation_id)
        if remembered is not None:
            return remembered
        conversation = self._retry(lambda: self._store.get(conversation_id, caller_id))
        if conversation is None:
            raise _not_found(conversation_id)
        if self._known.get((caller_id, conversation_id)) is None:
            # Somebody may have opened it meanwhile.
            self._remember(_CachedConversation(conversation, listed=False))
        return conversation

    def _remember(self, known: _CachedConversation) -> None:
        """Keep a conversation for both of its participants."""
        for participant_id in known.conversation.participant_ids:
            self._known.put((participant_id, known.conversation.conversation_id), known)

    def page(self, caller_id: UUID, limit: int, cursor: str | None) -> ConversationPage:
        """List the caller's conversations, newest first.

        Args:
            caller_id: Who asks.
            limit: Maximum number of conversations, 1 to 100.
            cursor: From an earlier page; None starts with the newest.

        Returns:
            The page; it has fewer items where more would exceed
            `domain.page_size`.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        after = cursors.read_conversations(cursor, caller_id) if cursor is not None else None
        found = self._retry(lambda: self._store.of_user(caller_id, after, limit + 1))
        items = self._summarize(caller_id, found[:limit])
        has_more = len(found) > len(items)
        next_cursor = _cursor_after(caller_id, items[-1][0]) if has_more else None
        return ConversationPage(items, limit, has_more, next_cursor)

    def _summarize(
        self, caller_id: UUID, conversations: Sequence[Conversation]
    ) -> tuple[_Item, ...]:
        """Return conversations with summaries, as many as fit.

        They are read in groups of SUMMARIES_AT_ONCE, because each
        brings a whole message with it.
        """
        items: list[_Item] = []
        for start in range(0, len(conversations), SUMMARIES_AT_ONCE):
            some = conversations[start : start + SUMMARIES_AT_ONCE]
            ids = [conversation.conversation_id for conversation in some]
            summaries = self._retry(partial(self._messages.summaries, caller_id, ids))
            items += [(each, summaries[each.conversation_id]) for each in some]
            fit = count_fitting(map(_bytes, items))
            if fit < len(items):
                return tuple(items[:fit])
        return tuple(items)


def _bytes(item: _Item) -> int:
    """Return the most bytes that a conversation takes in JSON."""
    last = item[1].last_message
    return FIELDS_BYTES + (message_bytes(last) if last is not None else 0)


def _cursor_after(caller_id: UUID, last: Conversation) -> str:
    """Return the cursor of the page that follows a conversation."""
    return cursors.write_conversations(
        caller_id, ConversationPosition(last.created_at, last.conversation_id)
    )


def other_participant(caller_id: UUID, participant_ids: Sequence[UUID]) -> UUID:
    """Find the other user in the list that a client sent.

    Args:
        caller_id: Who asks.
        participant_ids: The other user, or both.

    Returns:
        The other user's id, which may be nobody's.

    Raises:
        Refused: `invalid_participants` unless the ids name exactly one
            other user.
    """
    others = [participant_id for participant_id in participant_ids if participant_id != caller_id]
    if len(participant_ids) > 2 or len(others) != 1:
        raise Refused.because(
            Code.INVALID_PARTICIPANTS,
            "The list names only you; add the other user's id."
            if participant_ids and not others
            else f"The list has {len(participant_ids)} ids, {len(others)} of them not yours; send "
            "the id of exactly one other user, with or without your own.",
            field="participant_ids",
        )
    return others[0]


def _not_found(conversation_id: UUID) -> Refused:
    """Refuse one that is not there and one of others alike."""
    return Refused.because(
        Code.CONVERSATION_NOT_FOUND,
        f"You have no conversation {conversation_id}; open one with its other participant first.",
    )
