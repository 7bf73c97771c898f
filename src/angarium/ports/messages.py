"""Where messages are kept: written by the router alone, read by the
API.
"""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Protocol
from uuid import UUID

from angarium.domain.message import InboxPosition, Message, MessagePosition


class StoreOutcome(Enum):
    """What became of a message that the router handed over.

    Attributes:
        STORED: It is there now, and was not before.
        REPLAYED: The same record had stored it before; nothing changed.
        DUPLICATE: Another record of the same sender had stored its id;
            the first text stands.
        CONFLICT: Another record of the other participant had stored its
            id; the first message stands.
    """

    STORED = "stored"
    REPLAYED = "replayed"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class ReceiptOutcome(Enum):
    """What became of a receipt for one message.

    Attributes:
        DELIVERED: The message is DELIVERED since this receipt.
        REPEATED: It was DELIVERED before; nothing changed.
        UNKNOWN: There is no such message.
        NOT_RECIPIENT: The message was not sent to whoever confirmed it.
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


class MessageWriter(Protocol):
    """The router's half; one conversation is never in two calls at once
    from one worker.

    Every call may be repeated, by this worker or another, with the same
    arguments and to the same effect. Whoever hands over a record has
    seen every earlier one of its partition durable.
    """

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Store messages of one conversation, each id once, without
        blocking the caller.

        Args:
            conversation_id: The conversation that all of them belong
                to.
            messages: In the order of their places; `status` is PENDING
                or SENT, `delivered_at` None.
            online: A future, which does not fail, of users who are
                online: what is PENDING to one of them is stored as
                SENT. The store may do meanwhile what needs no status.
                None: no status changes.

        Returns:
            A future of what became of each, once all are durable and
            visible to every reader, or StoreUnavailable when that is
            not certain; repeat the whole call then.
        """
        ...

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Raise messages of one conversation to DELIVERED, without
        blocking the caller.

        The first receipt of a message stands: `delivered_at` never
        changes.

        Args:
            conversation_id: The conversation that all of them belong
                to.
            receipts: In the order of their records.

        Returns:
            A future of what became of each, or StoreUnavailable; repeat
            the whole call then.
        """
        ...


class MessageReader(Protocol):
    """The API's half; blocks within the deadline in force; used by any
    thread.

    Every method raises StoreUnavailable when the store does not answer
    in time. Readers see prefixes: whoever saw a message sees every
    earlier one of the conversation.

    `older`, `newer` and `inbox` end before their limit with the message
    that makes more than one page of what they give
    (`domain.page_size.read_one_page`). An engine reads no more texts
    than that at once: a hundred of the largest take many times their
    bytes while they are read (docs/adr/0007-bounds-and-overload.md).
    """

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Read towards the past.

        Args:
            conversation_id: Of which conversation.
            than: Strictly before this place, that of a message that was
                shown; None starts from the newest.
            limit: At most so many.

        Returns:
            Newest first.
        """
        ...

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        """Read towards the present.

        Args:
            conversation_id: Of which conversation.
            than: Strictly after this place: `BEGINNING`, that of a
                message that was shown, or the end of a millisecond,
                with `LAST_OFFSET`, before which a reader may have seen
                nothing.
            limit: At most so many.

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
        """Tell to whom messages were sent, without reading their texts.

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
        """Read what a user has not confirmed yet, of all conversations.

        Args:
            recipient_id: To whom.
            after: Strictly after this place; None starts from the
                oldest.
            limit: At most so many.

        Returns:
            Oldest first, by `InboxPosition`.
        """
        ...

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Sum conversations up for a list.

        Args:
            user_id: For whom the pending messages are counted.
            conversation_ids: At most 100; the last message of each is
                in memory at once.

        Returns:
            One for each.
        """
        ...
