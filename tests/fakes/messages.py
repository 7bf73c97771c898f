"""Messages in memory."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium.domain.message import (
    InboxPosition,
    Message,
    MessagePosition,
    Status,
    status_when_stored,
)
from angarium.domain.page_size import read_one_page
from angarium.futures import done
from angarium.ports.messages import (
    PENDING_COUNT_LIMIT,
    Receipt,
    ReceiptOutcome,
    StoreOutcome,
    Summary,
)


class MemoryMessages:
    """Keeps messages by conversation and id; the router's half and the
    API's in one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._conversations: dict[UUID, dict[UUID, Message]] = {}

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: Future[Collection[UUID]] | None = None,
    ) -> Future[tuple[StoreOutcome, ...]]:
        answer: Future[tuple[StoreOutcome, ...]] = Future()

        def store(known: Future[Collection[UUID]]) -> None:
            with self._lock:
                stored = self._conversations.setdefault(conversation_id, {})
                sent = status_when_stored(messages, known.result())
                answer.set_result(tuple(_record(stored, message) for message in sent))

        (online or done(())).add_done_callback(store)
        return answer

    def put(self, message: Message) -> None:
        """Put a message as an import does, whatever was there."""
        with self._lock:
            stored = self._conversations.setdefault(message.conversation_id, {})
            stored[message.message_id] = message

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Future[tuple[ReceiptOutcome, ...]]:
        with self._lock:
            stored = self._conversations.setdefault(conversation_id, {})
            return done(tuple(_mark(stored, receipt) for receipt in receipts))

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        with self._lock:
            messages = self._in_order(conversation_id)
        found = [each for each in messages[::-1] if than is None or each.position < than]
        return read_one_page(found[:limit])

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        with self._lock:
            messages = self._in_order(conversation_id)
        return read_one_page([each for each in messages if each.position > than][:limit])

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        with self._lock:
            stored = self._conversations.get(conversation_id, {})
            return {each: stored[each] for each in message_ids if each in stored}

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        found = self.find(conversation_id, message_ids)
        return {each: message.recipient_id for each, message in found.items()}

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        with self._lock:
            everything = [
                each for stored in self._conversations.values() for each in stored.values()
            ]
        pending = [
            each
            for each in _pending(recipient_id, everything)
            if after is None or _inbox(each) > after
        ]
        return read_one_page(sorted(pending, key=_inbox)[:limit])

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        with self._lock:
            return {each: _summary(user_id, self._in_order(each)) for each in conversation_ids}

    def conversation_ids(self) -> Sequence[UUID]:
        """Give the conversations that have messages."""
        with self._lock:
            return [each for each, stored in self._conversations.items() if stored]

    def stored(self, conversation_id: UUID) -> Sequence[Message]:
        """Give the messages of a conversation in their order."""
        with self._lock:
            return self._in_order(conversation_id)

    def _in_order(self, conversation_id: UUID) -> list[Message]:
        return sorted(
            self._conversations.get(conversation_id, {}).values(), key=lambda each: each.position
        )


def _record(stored: dict[UUID, Message], message: Message) -> StoreOutcome:
    known = stored.get(message.message_id)
    if known is None:
        stored[message.message_id] = message
        return StoreOutcome.STORED
    if known.position == message.position:
        return StoreOutcome.REPLAYED
    return (
        StoreOutcome.DUPLICATE if known.sender_id == message.sender_id else StoreOutcome.CONFLICT
    )


def _mark(stored: dict[UUID, Message], receipt: Receipt) -> ReceiptOutcome:
    known = stored.get(receipt.message_id)
    if known is None:
        return ReceiptOutcome.UNKNOWN
    if known.recipient_id != receipt.recipient_id:
        return ReceiptOutcome.NOT_RECIPIENT
    if known.status is Status.DELIVERED:
        return ReceiptOutcome.REPEATED
    stored[known.message_id] = known._replace(
        status=Status.DELIVERED, delivered_at=receipt.delivered_at
    )
    return ReceiptOutcome.DELIVERED


def _pending(recipient_id: UUID, messages: Iterable[Message]) -> list[Message]:
    return [
        each
        for each in messages
        if each.recipient_id == recipient_id and each.status is not Status.DELIVERED
    ]


def _inbox(message: Message) -> InboxPosition:
    return InboxPosition(
        message.position.timestamp, message.conversation_id, message.position.offset
    )


def _summary(user_id: UUID, messages: Sequence[Message]) -> Summary:
    pending = min(PENDING_COUNT_LIMIT, len(_pending(user_id, messages)))
    return Summary(messages[-1] if messages else None, pending)
