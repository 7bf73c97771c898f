"""A conversation of two users with messages to store."""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from itertools import count
from uuid import UUID, uuid4

from angarium.domain.identifiers import conversation_id_for
from angarium.domain.message import InboxPosition, Message, MessagePosition, Status
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome, StoreOutcome

ANSWER_S = 30.0
START = 1_700_000_000_000


class Chat:
    """Makes messages whose places rise; nobody else's ids are in it."""

    def __init__(self, alice: UUID | None = None, bob: UUID | None = None) -> None:
        self.alice = alice or uuid4()
        self.bob = bob or uuid4()
        self.conversation_id = conversation_id_for(self.alice, self.bob)
        self._offsets = count()

    def message(
        self,
        content: str = "hello",
        sender: UUID | None = None,
        at: int | None = None,
        message_id: UUID | None = None,
        status: Status = Status.PENDING,
    ) -> Message:
        """Make the next message: from alice, unless somebody else sends
        it.
        """
        offset = next(self._offsets)
        author = sender or self.alice
        return Message(
            message_id or uuid4(),
            self.conversation_id,
            author,
            self.bob if author == self.alice else self.alice,
            content,
            MessagePosition(START + offset if at is None else at, offset),
            status,
        )

    def messages(self, number: int, at: int | None = None) -> list[Message]:
        """Make so many messages, of one millisecond or of one each."""
        return [self.message(f"message {each}", at=at) for each in range(number)]

    def position(self, message: Message) -> InboxPosition:
        """Tell where a message stands in its recipient's inbox."""
        return InboxPosition(
            message.position.timestamp, message.conversation_id, message.position.offset
        )


def record(message_writer: MessageWriter, *messages: Message) -> tuple[StoreOutcome, ...]:
    """Store messages of one conversation and wait until they are
    visible.
    """
    return message_writer.record(messages[0].conversation_id, messages).result(ANSWER_S)


def record_for(
    message_writer: MessageWriter, online: "Future[Collection[UUID]]", *messages: Message
) -> "Future[tuple[StoreOutcome, ...]]":
    """Begin to store messages of one conversation while it is not known
    yet who is online.
    """
    return message_writer.record(messages[0].conversation_id, messages, online)


def mark(
    message_writer: MessageWriter, chat: Chat, *receipts: Receipt
) -> tuple[ReceiptOutcome, ...]:
    """Mark messages of one conversation and wait until it is
    visible.
    """
    return message_writer.mark_delivered(chat.conversation_id, receipts).result(ANSWER_S)


def receipt(
    message: Message, delivered_at: int = START + 1_000, by: UUID | None = None
) -> Receipt:
    """Confirm a message: as its recipient, unless somebody else
    does.
    """
    return Receipt(message.message_id, by or message.recipient_id, delivered_at)


def delivered(message: Message, delivered_at: int = START + 1_000) -> Message:
    """Give a message as it is after its receipt."""
    return message._replace(status=Status.DELIVERED, delivered_at=delivered_at)


def ids(messages: Sequence[Message]) -> list[UUID]:
    """Give the ids of messages."""
    return [each.message_id for each in messages]
