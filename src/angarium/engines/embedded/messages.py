"""Messages on the database: the router's half and the API's."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium import futures
from angarium.domain.message import InboxPosition, Message, MessagePosition, status_when_stored
from angarium.engines.embedded import message_reader, message_writer
from angarium.engines.embedded.database import Database
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome, Summary


class EmbeddedMessages:
    """Stores each message id once, and reads pages as ranges."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._records = database.kind(message_writer.record, deferrable=True)
        self._receipts = database.kind(message_writer.mark_delivered, deferrable=True)

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
            messages: In the order of their places.
            online: Who is online; nothing is written before that is
                known.

        Returns:
            A future of what became of each, once all are fsynced, or of
            StoreUnavailable.
        """
        if online is None:
            return self._records.offer((conversation_id, messages))
        if online.done():
            return self._records.offer(
                (conversation_id, status_when_stored(messages, online.result()))
            )
        answer: Future[tuple[StoreOutcome, ...]] = Future()
        online.add_done_callback(
            lambda known: self.record(conversation_id, messages, known).add_done_callback(
                lambda recorded: futures.forward(recorded, answer)
            )
        )
        return answer

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Raise messages of one conversation to DELIVERED, without
        blocking the caller.

        Args:
            conversation_id: The conversation that all of them belong
                to.
            receipts: In the order of their records.

        Returns:
            A future of what became of each, or of StoreUnavailable.
        """
        return self._receipts.offer((conversation_id, receipts))

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Read towards the past.

        Args:
            conversation_id: Of which conversation.
            than: Strictly before this place; None starts from the
                newest.
            limit: At most so many.

        Returns:
            Newest first.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.older(connection, conversation_id, than, limit)
        )

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        """Read towards the present.

        Args:
            conversation_id: Of which conversation.
            than: Strictly after this place.
            limit: At most so many.

        Returns:
            Oldest first.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.newer(connection, conversation_id, than, limit)
        )

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Look messages up by their ids.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            Those that are stored.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.find(connection, conversation_id, message_ids)
        )

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        """Implements `MessageReader.recipients`.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            The recipients of those that are stored, by message.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.recipients(connection, conversation_id, message_ids)
        )

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

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.inbox(connection, recipient_id, after, limit)
        )

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Sum conversations up for a list.

        Args:
            user_id: For whom the pending messages are counted.
            conversation_ids: At most 100.

        Returns:
            One for each.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self._database.read(
            lambda connection: message_reader.summaries(connection, user_id, conversation_ids)
        )
