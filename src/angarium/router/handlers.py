"""The tasks of the worker: store, mark as delivered, dead-letter."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.events import MessagesDelivered, NewMessage, stored_message
from angarium.domain.message import Message, status_when_stored
from angarium.ports.message_log import DeadLetter, DeadLetterLog
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome, StoreOutcome
from angarium.router.conversation_queues import Batch
from angarium.router.offsets import OffsetTracker
from angarium.router.presence_lookup import nobody
from angarium.router.record_decoder import LogEntry
from angarium.router.tasks import Task

_log = logs.get("angarium.router")


class StoreMessagesTask(Task):
    """Stores the messages of one batch."""

    def __init__(
        self,
        batch: Batch,
        online: "Future[Collection[UUID]]",
        message_writer: MessageWriter,
        clock: Clock,
    ) -> None:
        """Build the messages once: every attempt passes the same.

        Args:
            batch: Entries of new messages.
            online: A future of the recipients who are online.
            message_writer: The store.
            clock: Measures how long it took from append to store.
        """
        self.batch = batch
        self.tracker = batch.tracker
        self._clock = clock
        self._message_writer = message_writer
        self._entries = batch.entries
        self._online = online
        self._messages = tuple(map(_message, batch.entries))
        self._answer: Future[tuple[StoreOutcome, ...]]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Implements `Startable.start`: record the messages.

        A second attempt does not wait for presence any more: the first
        one may have failed because of it.

        Args:
            on_end: Added to the store's future.
        """
        if self.attempts > 1 and not self._online.done():
            # The first attempt may have timed out only because of this.
            self._online = nobody()
        self._answer = self._message_writer.record(
            self._messages[0].conversation_id, self._messages, self._online
        )
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Implements `Task.finish`: log the outcome of each message.

        Returns:
            A dead letter for each message id that was already taken.
        """
        outcomes = self._answer.result(0)
        stored = status_when_stored(self._messages, self._online.result(0))
        # A list, so that a wrong number of outcomes raises before any
        # offset is finished.
        answers = list(zip(self._entries, stored, outcomes, strict=True))
        dead_letters: list[DeadLetter] = []
        for entry, message, outcome in answers:
            if outcome is StoreOutcome.CONFLICT:
                dead_letters.append(_conflict(entry, message))
            else:
                self._log_outcome(entry, message, outcome)
                self.tracker.finish(entry.record.offset)
        return dead_letters

    def log_context(self) -> Mapping[str, object]:
        """Implements `Task.log_context` for the first message.

        Returns:
            Its ids and the position of its record.
        """
        return self._entries[0].ids(self._messages[0].message_id)

    def _log_outcome(self, entry: LogEntry, message: Message, outcome: StoreOutcome) -> None:
        """Log one line for a message that needs no dead letter."""
        ids = entry.ids(message.message_id)
        # A failed attempt may have taken effect without a log line.
        if outcome is StoreOutcome.STORED or (
            outcome is StoreOutcome.REPLAYED and self.attempts > 1
        ):
            _log.info(
                "message_stored",
                "The message is stored.",
                **ids,
                status=message.status.value,
                duration_ms=max(0, self._clock.now_ms() - entry.record.timestamp),
            )
        elif outcome is StoreOutcome.DUPLICATE:
            _log.info(
                "message_duplicate",
                "Another record had already stored this message; its text is kept.",
                **ids,
            )
        else:
            _log.debug("message_replayed", "This record had already been applied.", **ids)


def _message(entry: LogEntry) -> Message:
    """Return the message that an entry's event asks to store."""
    event = cast("NewMessage", entry.event)
    return stored_message(event, entry.watermark, entry.record.offset)


def _conflict(entry: LogEntry, message: Message) -> DeadLetter:
    """Return the dead letter of an id that the other user has used."""
    detail = (
        f"message {message.message_id} was already sent by the other participant; the first one "
        "is kept"
    )
    return DeadLetter(
        "message_id_conflict",
        detail,
        entry.record,
        entry.trace_id,
        message.conversation_id,
        message.message_id,
    )


_REFUSALS = {
    ReceiptOutcome.NOT_RECIPIENT: "not_recipient",
    ReceiptOutcome.UNKNOWN: "unknown_message",
}


class MarkDeliveredTask(Task):
    """Sets the messages that a batch's receipts name to DELIVERED."""

    def __init__(self, batch: Batch, message_writer: MessageWriter) -> None:
        """Flatten the batch into one receipt per confirmed message.

        Args:
            batch: Entries of delivery receipts.
            message_writer: The store.
        """
        self.batch = batch
        self.tracker = batch.tracker
        self._message_writer = message_writer
        self._receipts = [
            (entry, message_id) for entry in batch.entries for message_id in _confirmed_ids(entry)
        ]
        self._answer: Future[tuple[ReceiptOutcome, ...]]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Implements `Startable.start`: apply the receipts.

        Args:
            on_end: Added to the store's future.
        """
        receipts = tuple(
            Receipt(message_id, entry.event.recipient_id, entry.watermark)
            for entry, message_id in self._receipts
        )
        self._answer = self._message_writer.mark_delivered(
            self._receipts[0][0].event.conversation_id, receipts
        )
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Implements `Task.finish`: log what each record has confirmed.

        Returns:
            A dead letter for each record that confirms a message that
            its user did not receive or that does not exist.
        """
        answers = list(zip(self._receipts, self._answer.result(0), strict=True))
        refused: dict[LogEntry, dict[UUID, ReceiptOutcome]] = {}
        for (entry, message_id), outcome in answers:
            found = refused.setdefault(entry, {})
            if outcome in _REFUSALS:
                found[message_id] = outcome
        dead_letters: list[DeadLetter] = []
        for entry, found in refused.items():
            self._log_outcome(entry, found)
            if found:
                dead_letters.append(_refusal(entry, found))
            else:
                self.tracker.finish(entry.record.offset)
        return dead_letters

    def log_context(self) -> Mapping[str, object]:
        """Implements `Task.log_context` for the first receipt.

        Returns:
            Its ids and the position of its record.
        """
        entry, message_id = self._receipts[0]
        return entry.ids(message_id)

    def _log_outcome(self, entry: LogEntry, refused: Collection[UUID]) -> None:
        """Log the message ids that one record has confirmed, if any."""
        message_ids = [str(each) for each in _confirmed_ids(entry) if each not in refused]
        if message_ids:
            _log.info(
                "messages_delivered",
                "The recipient has confirmed the messages.",
                trace_id=entry.trace_id,
                conversation_id=entry.event.conversation_id,
                user_id=entry.event.recipient_id,
                message_ids=message_ids,
                partition=entry.record.partition,
                offset=entry.record.offset,
            )


def _confirmed_ids(entry: LogEntry) -> tuple[UUID, ...]:
    """Return the message ids that a receipt event confirms."""
    return cast("MessagesDelivered", entry.event).message_ids


def _refusal(entry: LogEntry, refused: Mapping[UUID, ReceiptOutcome]) -> DeadLetter:
    """Return the one dead letter of a record with refused receipts."""
    # A record has one dead letter; its reason is the more serious one:
    # a wrong user outweighs an unknown message.
    first = min(refused, key=lambda message_id: list(_REFUSALS).index(refused[message_id]))
    named = ", ".join(
        f"{message_id}: {_REFUSALS[outcome]}" for message_id, outcome in refused.items()
    )
    detail = f"user {entry.event.recipient_id} confirmed messages that it cannot confirm: {named}"
    return DeadLetter(
        _REFUSALS[refused[first]],
        detail,
        entry.record,
        entry.trace_id,
        entry.event.conversation_id,
        first,
    )


class DeadLetterTask(Task):
    """Appends one dead letter; finishes its offset once it is durable.

    Decided in docs/adr/0012.
    """

    def __init__(
        self, dead_letter: DeadLetter, tracker: OffsetTracker, dead_letters: DeadLetterLog
    ) -> None:
        """Keep what is to be appended, for every attempt.

        Args:
            dead_letter: The record that cannot be applied, with the
                reason.
            tracker: Of the record's partition.
            dead_letters: The log that it is appended to.
        """
        self.tracker = tracker
        self._dead_letter = dead_letter
        self._dead_letters = dead_letters
        self._answer: Future[None]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Implements `Startable.start`: append the dead letter.

        Args:
            on_end: Added to the log's future.
        """
        self._answer = self._dead_letters.append(self._dead_letter)
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Implements `Task.finish`: log the letter, finish its offset.

        Returns:
            Always empty: a dead letter causes no further one.
        """
        self._answer.result(0)
        _log.warning(
            "dead_lettered",
            "A record cannot be applied and was moved to the dead letters: "
            f"{self._dead_letter.detail}",
            reason=self._dead_letter.reason,
            **self.log_context(),
        )
        self.tracker.finish(self._dead_letter.record.offset)
        return ()

    def log_context(self) -> Mapping[str, object]:
        """Implements `Task.log_context`.

        Returns:
            The trace id, the event's ids if they could be read, and the
            position of the record.
        """
        dead_letter = self._dead_letter
        ids = {
            "conversation_id": dead_letter.conversation_id,
            "message_id": dead_letter.message_id,
        }
        return {
            "trace_id": dead_letter.trace_id,
            **{name: value for name, value in ids.items() if value is not None},
            "partition": dead_letter.record.partition,
            "offset": dead_letter.record.offset,
        }
