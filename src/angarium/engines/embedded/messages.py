"""Messages in the embedded database, for the worker and the API."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium import futures
from angarium.domain.message import InboxPosition, Message, MessagePosition, status_when_stored
from angarium.engines.embedded import message_reader, message_writer
from angarium.engines.embedded.database import Database
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome, Summary


class EmbeddedMessages:
    """Implements `MessageWriter` and `MessageReader`.

    `message_writer` and `message_reader` have the SQL.
    """

    def __init__(self, database: Database) -> None:
        """Register the writes for messages and for receipts."""
        self._database = database
        self._records = database.register(message_writer.record, deferrable=True)
        self._receipts = database.register(message_writer.mark_delivered, deferrable=True)

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Implements `MessageWriter.record`.

        Nothing is written before it is known who is online.

        Returns:
            As the port says.
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
        """Implements `MessageWriter.mark_delivered`."""
        return self._receipts.offer((conversation_id, receipts))

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Implements `MessageReader.older`."""
        return self._database.read(
            lambda connection: message_reader.older(connection, conversation_id, than, limit)
        )

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        """Implements `MessageReader.newer`."""
        return self._database.read(
            lambda connection: message_reader.newer(connection, conversation_id, than, limit)
        )

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Implements `MessageReader.find`."""
        return self._database.read(
            lambda connection: message_reader.find(connection, conversation_id, message_ids)
        )

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        """Implements `MessageReader.recipients`."""
        return self._database.read(
            lambda connection: message_reader.recipients(connection, conversation_id, message_ids)
        )

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Implements `MessageReader.inbox`."""
        return self._database.read(
            lambda connection: message_reader.inbox(connection, recipient_id, after, limit)
        )

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Implements `MessageReader.summaries`."""
        return self._database.read(
            lambda connection: message_reader.summaries(connection, user_id, conversation_ids)
        )
