"""Reading everything that matters out of a running service."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import TypeVar
from uuid import UUID

from angarium import backoff
from angarium.clock import Clock
from angarium.domain.conversation import Conversation
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING, Message, MessagePosition
from angarium.ports.conversations import ConversationStore
from angarium.ports.messages import MessageReader
from angarium.ports.store_inspection import MessageKey, StoreInspector
from angarium.ports.users import UserStore
from angarium.services.transfer.export_file import ExportWriter
from angarium.services.transfer.lines import Counts, Entry, Header, InvalidLine
from angarium.services.transfer.sorted_ids import SortedIds

CONVERSATIONS_AT_ONCE = 100
"""Conversations of one read."""

MESSAGES_AT_ONCE = 250
"""Message rows of one read: some milliseconds of work, after which
others have the store again.
"""

PATIENCE_S = 30.0
"""How long a read is repeated while the store does not answer."""

Result = TypeVar("Result")


class StoreDamaged(Exception):
    """The store has a row that no writer writes."""


class Exporter:
    """Reads users, conversations and messages; used once.

    Conversations are listed first, then users, then each conversation's
    messages from its beginning. So every participant of a conversation
    is among the users, and the messages of a conversation are all that
    were stored before its first page was read, and a prefix of what
    came later.
    """

    def __init__(
        self,
        users: UserStore,
        conversations: ConversationStore,
        store: StoreInspector,
        reader: MessageReader,
        clock: Clock,
        program: str,
    ) -> None:
        """Read nothing yet.

        Args:
            users: Who may log in.
            conversations: Who talks to whom.
            store: Messages, and a list of all conversations.
            reader: Where a conversation ends.
            clock: When the export began, and how long a store is away.
            program: The version of this program.
        """
        self._users = users
        self._conversation_store = conversations
        self._store = store
        self._reader = reader
        self._clock = clock
        self._program = program
        self._writer = ExportWriter()

    @property
    def counts(self) -> Counts:
        """How many lines of each kind there are so far."""
        return self._writer.counts

    @property
    def sha256(self) -> str:
        """The digest of all lines so far, in hexadecimal."""
        return self._writer.sha256

    def lines(self) -> Iterator[bytes]:
        """Read everything.

        Yields:
            Each line, the last one only after everything was read.

        Raises:
            StoreDamaged: A row cannot be exported.
            StoreUnavailable: The store was away for too long.
        """
        for entry in self._entries():
            try:
                line = self._writer.add(entry)
            except InvalidLine as error:
                raise StoreDamaged(
                    f"{_name(entry)} cannot be exported: {error}; `angarium audit` says more"
                ) from error
            yield line
        yield self._writer.end()

    def _entries(self) -> Iterator[Entry]:
        """Read what each line but the last holds."""
        yield Header(self._clock.now_ms(), self._program)
        conversation_ids = self._conversation_ids()
        yield from self._read(self._users.all)
        for page in _pages(conversation_ids):
            yield from self._conversations(page)
        for page in _pages(conversation_ids):
            for conversation_id in page:
                yield from self._messages(conversation_id)

    def _conversation_ids(self) -> SortedIds:
        """List all conversations; the store has an order of its own."""
        data = bytearray()
        after: UUID | None = None
        while page := self._read(
            partial(self._store.conversation_ids, after, CONVERSATIONS_AT_ONCE)
        ):
            data += b"".join(each.bytes for each in page)
            after = page[-1]
        return SortedIds.of(data)

    def _conversations(self, conversation_ids: Sequence[UUID]) -> Iterator[Conversation]:
        """Read some conversations, in the order of their ids."""
        found = self._read(partial(self._conversation_store.find, conversation_ids))
        for conversation_id in conversation_ids:
            if conversation_id not in found:
                raise StoreDamaged(
                    f"conversation {conversation_id} has rows of messages and no row of its own; "
                    "`angarium audit` says more"
                )
            yield found[conversation_id]

    def _messages(self, conversation_id: UUID) -> Iterator[Message]:
        """Read a conversation, from its oldest message on."""
        after: MessageKey | None = None
        until: MessagePosition | None = None
        while page := self._read(
            partial(self._store.messages, conversation_id, after, MESSAGES_AT_ONCE)
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

    def _newest(self, conversation_id: UUID) -> MessagePosition:
        """Return the position of a conversation's newest message."""
        found = self._read(partial(self._reader.older, conversation_id, None, 1))
        return found[0].position if found else BEGINNING

    def _read(self, call: Callable[[], Result]) -> Result:
        """Repeat a read while the store is away, for 30 s."""
        expires_at = self._clock.monotonic() + PATIENCE_S
        return backoff.retry(
            call,
            StoreUnavailable,
            lambda: expires_at - self._clock.monotonic(),
            lambda *_: None,
        )


def _pages(ids: SortedIds) -> Iterator[Sequence[UUID]]:
    """Yield ids in small groups."""
    for start in count(step=CONVERSATIONS_AT_ONCE):
        page = ids.page(start, CONVERSATIONS_AT_ONCE)
        if not page:
            return
        yield page


def _name(entry: Entry) -> str:
    """Name what a line would have held, in an error."""
    if isinstance(entry, Message):
        return f"message {entry.message_id} of conversation {entry.conversation_id}"
    if isinstance(entry, Conversation):
        return f"conversation {entry.conversation_id}"
    return "the header" if isinstance(entry, Header) else f"user {entry.username!r}"
