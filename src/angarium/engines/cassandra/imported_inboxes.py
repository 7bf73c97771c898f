"""What inboxes know of a conversation that is imported.

The worker moves delivered positions by reading messages back; an import
sees every message once, in order, and needs no read. The rows are the
same facts (inbox_index, delivered_ranges).
"""

from uuid import UUID

from angarium.domain.message import BEGINNING, Message, MessagePosition
from angarium.engines.cassandra.delivered_ranges import DeliveredRange, DeliveredRanges, merge
from angarium.engines.cassandra.row_mapping import InboxEntry, waits_for


class ImportedInbox:
    """Follows a conversation for one of its two users."""

    def __init__(self, user_id: UUID, conversation_id: UUID) -> None:
        """Begin before the first message.

        Args:
            user_id: Whose inbox.
            conversation_id: Of which conversation.
        """
        self.user_id = user_id
        self._conversation_id = conversation_id
        self._newest = BEGINNING
        self._delivered = BEGINNING
        self._ranges: DeliveredRanges = ()
        self._waiting: MessagePosition | None = None
        self._last = BEGINNING

    def add(self, message: Message) -> None:
        """Take the next message.

        Args:
            message: After all others.
        """
        position = message.position
        if position <= self._last:
            # The loader was called with it before.
            return
        if message.recipient_id == self.user_id:
            self._newest = position
        if waits_for(self.user_id, message):
            self._ranges = self._all_ranges()
            self._waiting = position
        elif self._waiting is None:
            self._delivered = position
        self._last = position

    def entry(self) -> InboxEntry:
        """Return what is known so far.

        Returns:
            The row; the beginning where there is nothing to write.
        """
        return InboxEntry(self._conversation_id, self._newest, self._delivered, self._all_ranges())

    @property
    def last(self) -> MessagePosition:
        """The position of the last message."""
        return self._last

    def _all_ranges(self) -> DeliveredRanges:
        """Return the ranges, with one from what waits to the end."""
        if self._waiting is None or self._waiting == self._last:
            return self._ranges
        return merge(self._ranges, DeliveredRange(self._waiting, self._last))
