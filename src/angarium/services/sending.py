"""Sending: the log accepts a message (docs/adr/0001)."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, Refused
from angarium.domain.events import NewMessage
from angarium.domain.identifiers import new_text_of, time_ordered_uuid
from angarium.ports.message_log import Appended, MessageLog
from angarium.random_pool import random_bytes
from angarium.services.event_publisher import EventPublisher


class Submission(NamedTuple):
    """A message as a client sends it.

    Attributes:
        content: The text, checked by `domain.content`.
        recipient_id: The recipient that the client expects; None when
            it named none.
        message_id: The client's idempotency key; None when it sent
            none.
    """

    content: str
    recipient_id: UUID | None = None
    message_id: UUID | None = None


class PendingMessage(NamedTuple):
    """A message on its way into the log.

    Attributes:
        message_id: The client's id, or a new one.
        appended: Holds the record's position, or LogUnavailable: the
            message may then be there or not, and sending it again with
            the same id is safe.
    """

    message_id: UUID
    appended: "Future[Appended]"


class Sending:
    """Accepts messages; used by any thread, never blocks."""

    def __init__(
        self,
        log: MessageLog,
        clock: Clock,
        instance: str,
        entropy: Callable[[], bytes] = random_bytes,
        repeats: logs.Repeats | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            log: Takes the messages.
            clock: The time in new ids and in events.
            instance: As for `EventPublisher`.
            entropy: Returns ten random bytes or more, for ids.
            repeats: As for `EventPublisher`.
        """
        self._publish = EventPublisher(log, clock, instance, repeats)
        self._clock = clock
        self._entropy = entropy

    def submit(
        self, conversation: Conversation, caller_id: UUID, submission: Submission, trace_id: str
    ) -> PendingMessage:
        """Hand a message to the log.

        Args:
            conversation: One that the caller is in.
            caller_id: The sender.
            submission: What the client sent.
            trace_id: The request's trace id; it travels with the
                record.

        Returns:
            The message's id, and the future of its position in the log.

        Raises:
            Refused: `recipient_mismatch` when the recipient is not the
                other participant.
        """
        recipient_id = conversation.other(caller_id)
        if submission.recipient_id is not None and submission.recipient_id != recipient_id:
            raise Refused.because(
                Code.RECIPIENT_MISMATCH,
                f"{submission.recipient_id} is not the other participant of this conversation; "
                f"send {recipient_id}, or no recipient at all.",
                field="recipient_id",
            )
        now_ms = self._clock.now_ms()
        message_id = submission.message_id or time_ordered_uuid(now_ms, self._entropy())
        event = NewMessage(
            time_ordered_uuid(now_ms, self._entropy()),
            conversation.conversation_id,
            now_ms,
            message_id,
            caller_id,
            recipient_id,
            submission.content,
        )
        appended = self._publish(
            event, trace_id, caller_id, "message_accepted", {"message_id": new_text_of(message_id)}
        )
        return PendingMessage(message_id, appended)
