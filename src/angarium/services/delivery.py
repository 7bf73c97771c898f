"""Confirming that messages reached their recipient."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, Refused
from angarium.domain.events import MessagesDelivered
from angarium.domain.identifiers import time_ordered_uuid
from angarium.ports.message_log import Appended, MessageLog
from angarium.ports.messages import MessageReader
from angarium.random_pool import random_bytes
from angarium.services.event_publisher import EventPublisher
from angarium.services.store_retry import StoreRetry


@dataclass(frozen=True, slots=True)
class PendingReceipts:
    """Receipts on their way into the log.

    Attributes:
        accepted: How many distinct messages they confirm.
        appended: Holds the position of their one record, or
            LogUnavailable: confirming again is safe.
    """

    accepted: int
    appended: "Future[Appended]"


class Delivery:
    """Takes confirmations; blocks on the store; used by any thread."""

    def __init__(
        self,
        log: MessageLog,
        messages: MessageReader,
        clock: Clock,
        retry: StoreRetry,
        instance: str,
        repeats: logs.Repeats | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            log: Takes the receipts.
            messages: Knows to whom each message was sent.
            clock: The time in the receipts' event.
            retry: Repeats calls to the store.
            instance: As for `EventPublisher`.
            repeats: As for `EventPublisher`.
        """
        self._publish = EventPublisher(log, clock, instance, repeats)
        self._messages = messages
        self._clock = clock
        self._retry = retry

    def confirm(
        self,
        conversation: Conversation,
        caller_id: UUID,
        message_ids: Sequence[UUID],
        trace_id: str,
    ) -> PendingReceipts:
        """Append receipts to the log: all, or none when one is refused.

        Args:
            conversation: One that the caller is in.
            caller_id: Who confirms.
            message_ids: 1 to 100 ids; repeated ones count once.
            trace_id: The request's trace id; it travels with the
                record.

        Returns:
            How many messages are confirmed, and the future of their
            record's position in the log.

        Raises:
            Refused: `message_not_found` when one is not stored, or not
                yet; `not_recipient` when the caller sent one.
            StoreUnavailable: The store did not answer.
        """
        distinct = tuple(dict.fromkeys(message_ids))
        conversation_id = conversation.conversation_id
        recipients = self._retry(lambda: self._messages.recipients(conversation_id, distinct))
        _require_recipient(distinct, recipients, caller_id)
        now_ms = self._clock.now_ms()
        event = MessagesDelivered(
            time_ordered_uuid(now_ms, random_bytes()), conversation_id, now_ms, caller_id, distinct
        )
        fields: dict[str, object] = {"count": len(distinct)}
        if len(distinct) == 1:
            fields["message_id"] = str(distinct[0])
        appended = self._publish(event, trace_id, caller_id, "receipts_accepted", fields)
        return PendingReceipts(len(distinct), appended)


def _require_recipient(
    message_ids: Sequence[UUID], recipients: Mapping[UUID, UUID], caller_id: UUID
) -> None:
    """Refuse all receipts when one is not the caller's to give.

    A missing message is reported before a wrong recipient, whatever
    their order.
    """
    for message_id in message_ids:
        if message_id not in recipients:
            raise Refused.because(
                Code.MESSAGE_NOT_FOUND,
                f"There is no message {message_id} in this conversation, so none of the "
                f"{len(message_ids)} was confirmed; confirm only messages that you have read from "
                "here.",
            )
    for message_id in message_ids:
        if recipients[message_id] != caller_id:
            raise Refused.because(
                Code.NOT_RECIPIENT,
                f"You sent message {message_id} yourself, so none of the {len(message_ids)} was "
                "confirmed; only its recipient can confirm it.",
            )
