"""Where messages are stored.

Only the worker writes them; the API reads them.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from angarium.domain.message import InboxPosition, Message, MessagePosition


class StoreOutcome(Enum):
    """What became of a message that the worker stored.

    Attributes:
        STORED: It is there now, and was not before.
        REPLAYED: The same record had stored it before; nothing changed.
        DUPLICATE: Another record of the same sender had stored its id;
            the first text stays.
        CONFLICT: Another record of the other participant had stored its
            id; the first message stays.
    """

    STORED = "stored"
    REPLAYED = "replayed"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class ReceiptOutcome(Enum):
    """What became of a receipt for one message.

    Attributes:
        DELIVERED: This receipt made the message DELIVERED.
        REPEATED: It was DELIVERED before; nothing changed.
        UNKNOWN: There is no such message.
        NOT_RECIPIENT: The user who confirmed it is not its recipient.
    """

    DELIVERED = "delivered"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    NOT_RECIPIENT = "not_recipient"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message confirmed by its recipient.

    Attributes:
        message_id: Which message.
        recipient_id: Who confirmed.
        delivered_at: The running maximum of append times at the
            receipt's record, milliseconds.
    """

    message_id: UUID
    recipient_id: UUID
    delivered_at: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list of conversations shows of each.

    Attributes:
        last_message: The newest message, None when there is none.
        pending_count: Messages to the user that are not DELIVERED; 100
            means 100 or more.
    """

    last_message: Message | None
    pending_count: int


PENDING_COUNT_LIMIT = 100
"""Counting stops here, so a list stays cheap whatever waits."""


class MessageWriter(Protocol):
    """Writes messages, for the worker.

    A worker never has one conversation in two calls at once. Every call
    may be repeated, by this worker or another, with the same arguments
    and the same effect (docs/adr/0003). The caller has seen every
    earlier record of the partition durable.
    """

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Store messages of one conversation, each id once.

        It does not block the caller.

        Args:
            conversation_id: The conversation that all of them belong
                to.
            messages: In the order of their positions; `status` is
                PENDING or SENT, `delivered_at` None.
            online: A future, which does not fail, of the users who are
                online: what is PENDING to one of them is stored as
                SENT. Until it completes, the store may do what needs no
                status. None: no status changes.

        Returns:
            A future of the outcomes, complete once all messages are
            durable and visible to every reader. It fails with
            StoreUnavailable when that is not certain; repeat the whole
            call then.
        """
        ...

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Change messages of one conversation to DELIVERED.

        It does not block the caller. The first receipt of a message
        wins: `delivered_at` never changes.

        Args:
            conversation_id: The conversation that all of them belong
                to.
            receipts: In the order of their records.

        Returns:
            A future of the outcomes, or of StoreUnavailable; repeat the
            whole call then.
        """
        ...


class MessageReader(Protocol):
    """Reads messages, for the API.

    Blocks within the deadline in force; used by any thread. Every
    method raises StoreUnavailable when the store does not answer in
    time. Readers see prefixes: one who saw a message sees every earlier
    one of the conversation (docs/adr/0016).

    `older`, `newer` and `inbox` end before their limit with the message
    that makes more than one page of the result
    (`domain.page_size.read_one_page`). An engine reads no more texts
    than that at once: a hundred of the largest take many times their
    bytes while they are read (docs/adr/0007).
    """

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Read towards the past.

        Args:
            conversation_id: Of which conversation.
            than: Strictly before this position, that of a message that
                was read before; None starts from the newest.
            limit: The maximum number of messages.

        Returns:
            Newest first.
        """
        ...

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        """Read towards the present.

        Args:
            conversation_id: Of which conversation.
            than: Strictly after this position: `BEGINNING`, that of a
                message that was read before, or the end of a
                millisecond, with `LAST_OFFSET`, before which a reader
                may have seen nothing.
            limit: The maximum number of messages.

        Returns:
            Oldest first.
        """
        ...

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Look messages up by their ids.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100; each text that is found is in
                memory at once.

        Returns:
            Those that are stored.
        """
        ...

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        """Return the recipients of messages, without their texts.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            The recipients of those that are stored, by message.
        """
        ...

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Read what a user has not confirmed, of all conversations.

        Args:
            recipient_id: The user.
            after: Strictly after this position; None starts from the
                oldest.
            limit: The maximum number of messages.

        Returns:
            Oldest first, by `InboxPosition` (docs/adr/0020).
        """
        ...

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Return what a list of conversations shows of each.

        Args:
            user_id: For whom the pending messages are counted.
            conversation_ids: At most 100; the last message of each is
                in memory at once.

        Returns:
            One for each.
        """
        ...
