"""Reading rows for an export, and for the check after an import."""

from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.message import BEGINNING, Message, MessagePosition
from angarium.domain.user import User
from angarium.ports.conversations import ConversationStore
from angarium.ports.messages import MessageReader
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreInspector
from angarium.ports.users import UserStore
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.sorted_ids import SortedIds

CONVERSATIONS_AT_ONCE = 100
"""Conversations of one read."""

MESSAGES_AT_ONCE = 250
"""Message rows of one read, by default. On servers each read is a round
trip.
"""

INDEX_ROWS_AT_ONCE = 1_000
"""Index rows of one read, about 100 KB."""


class RowReader:
    """Reads a store in pages; a store that is away is asked again."""

    def __init__(
        self,
        users: UserStore,
        conversations: ConversationStore,
        store: StoreInspector,
        reader: MessageReader,
        retry: OutageRetry,
        messages_at_once: int = MESSAGES_AT_ONCE,
    ) -> None:
        """Read nothing yet.

        Args:
            users: Who may log in.
            conversations: Who talks to whom.
            store: Messages, and a list of all conversations.
            reader: Where a conversation ends.
            retry: Repeats calls through an outage.
            messages_at_once: Message rows of one read.
        """
        self._users = users
        self._conversations = conversations
        self._store = store
        self._reader = reader
        self._retry = retry
        self._messages_at_once = messages_at_once

    def users(self) -> Sequence[User]:
        """Read all users.

        Returns:
            By name.
        """
        return self._retry(self._users.all)

    def conversation_ids(self) -> SortedIds:
        """List all conversations; the store has an order of its own.

        Returns:
            The ids of all that have a row of any kind.
        """
        data = bytearray()
        after: UUID | None = None
        while page := self._retry(
            partial(self._store.conversation_ids, after, CONVERSATIONS_AT_ONCE)
        ):
            data += b"".join(each.bytes for each in page)
            after = page[-1]
        return SortedIds.of(data)

    def conversations(self, conversation_ids: Sequence[UUID]) -> Sequence[Conversation | None]:
        """Read some conversations.

        Args:
            conversation_ids: At most CONVERSATIONS_AT_ONCE.

        Returns:
            One for each, None for one that is not there.
        """
        found = self._retry(partial(self._conversations.find, conversation_ids))
        return [found.get(each) for each in conversation_ids]

    def messages(self, conversation_id: UUID) -> Iterator[Message]:
        """Read a conversation's messages.

        Args:
            conversation_id: Which conversation.

        Yields:
            From the oldest to the one that was the newest when the
            first page was read, and perhaps some more.
        """
        after: MessageKey | None = None
        until: MessagePosition | None = None
        while page := self._retry(
            partial(self._store.messages, conversation_id, after, self._messages_at_once)
        ):
            for message in page:
                if until is not None and message.position > until:
                    return
                yield message
            after = MessageKey(page[-1].position, page[-1].message_id)
            if until is None:
                # Otherwise an export of a conversation that grows as
                # fast as it is read would never end.
                until = self._newest(conversation_id)

    def index(self, conversation_id: UUID) -> Iterator[IndexRow]:
        """Read a conversation's index rows.

        Args:
            conversation_id: Which conversation.

        Yields:
            In an order of the store's own.
        """
        after: UUID | None = None
        while page := self._retry(
            partial(self._store.index, conversation_id, after, INDEX_ROWS_AT_ONCE)
        ):
            yield from page
            after = page[-1].message_id

    def _newest(self, conversation_id: UUID) -> MessagePosition:
        """Return the position of a conversation's newest message."""
        found = self._retry(partial(self._reader.older, conversation_id, None, 1))
        return found[0].position if found else BEGINNING
