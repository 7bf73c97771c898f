"""Storing messages, and what became of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.events import MessagesDelivered, NewMessage
from angarium.domain.message import Message, MessagePosition, Status, status_when_stored
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
        recorder: MessageWriter,
        clock: Clock,
    ) -> None:
        self.batch = batch
        self.progress = batch.progress
        self._clock = clock
        self._recorder = recorder
        self._entries = batch.entries
        self._online = online
        # Made once: every try hands over the same messages.
        self._messages = tuple(map(_message, batch.entries))
        self._answer: Future[tuple[StoreOutcome, ...]]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Hand the messages over.

        Args:
            on_end: The callback.
        """
        if self.attempts > 1 and not self._online.done():
            # The first try may have waited for nothing else.
            self._online = nobody()
        self._answer = self._recorder.record(
            self._messages[0].conversation_id, self._messages, self._online
        )
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Tell what became of each message.

        Returns:
            The conflicts.
        """
        outcomes = self._answer.result(0)
        stored = status_when_stored(self._messages, self._online.result(0))
        # A list, so that a wrong number of outcomes is seen before any
        # of them is believed.
        answers = list(zip(self._entries, stored, outcomes, strict=True))
        dead_letters: list[DeadLetter] = []
        for entry, message, outcome in answers:
            if outcome is StoreOutcome.CONFLICT:
                dead_letters.append(_conflict(entry, message))
            else:
                self._log_outcome(entry, message, outcome)
                self.progress.finish(entry.record.offset)
        return dead_letters

    def log_context(self) -> Mapping[str, object]:
        """Name the group by its first message.

        Returns:
            Its ids and place.
        """
        return self._entries[0].ids(self._messages[0].message_id)

    def _log_outcome(self, entry: LogEntry, message: Message, outcome: StoreOutcome) -> None:
        ids = entry.ids(message.message_id)
        # A try that failed may have taken effect, and its line was not
        # written.
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
                "Another record had stored this message; its text stands.",
                **ids,
            )
        else:
            _log.debug("message_replayed", "This record had been applied before.", **ids)


def _message(entry: LogEntry) -> Message:
    event = cast("NewMessage", entry.event)
    return Message(
        event.message_id,
        event.conversation_id,
        event.sender_id,
        event.recipient_id,
        event.content,
        MessagePosition(entry.time, entry.record.offset),
        Status.PENDING,
    )


def _conflict(entry: LogEntry, message: Message) -> DeadLetter:
    detail = (
        f"message {message.message_id} was sent by the other participant before; that one stands"
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
    """Raises the messages that a group's receipts name to DELIVERED."""

    def __init__(self, batch: Batch, recorder: MessageWriter) -> None:
        self.batch = batch
        self.progress = batch.progress
        self._recorder = recorder
        self._receipts = [
            (entry, message_id) for entry in batch.entries for message_id in _confirmed(entry)
        ]
        self._answer: Future[tuple[ReceiptOutcome, ...]]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Hand the receipts over.

        Args:
            on_end: The callback.
        """
        receipts = tuple(
            Receipt(message_id, entry.event.recipient_id, entry.time)
            for entry, message_id in self._receipts
        )
        self._answer = self._recorder.mark_delivered(
            self._receipts[0][0].event.conversation_id, receipts
        )
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Tell what became of each record's receipts.

        Returns:
            The records that confirm what they cannot.
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
                self.progress.finish(entry.record.offset)
        return dead_letters

    def log_context(self) -> Mapping[str, object]:
        """Name the group by its first receipt.

        Returns:
            Its ids and place.
        """
        entry, message_id = self._receipts[0]
        return entry.ids(message_id)

    def _log_outcome(self, entry: LogEntry, refused: Collection[UUID]) -> None:
        message_ids = [str(each) for each in _confirmed(entry) if each not in refused]
        if message_ids:
            _log.info(
                "messages_delivered",
                "The recipient has the messages.",
                trace_id=entry.trace_id,
                conversation_id=entry.event.conversation_id,
                user_id=entry.event.recipient_id,
                message_ids=message_ids,
                partition=entry.record.partition,
                offset=entry.record.offset,
            )


def _confirmed(entry: LogEntry) -> tuple[UUID, ...]:
    return cast("MessagesDelivered", entry.event).message_ids


def _refusal(entry: LogEntry, refused: Mapping[UUID, ReceiptOutcome]) -> DeadLetter:
    # A record has one letter; what somebody did wrong outweighs what is
    # not there.
    first = min(refused, key=lambda message_id: list(_REFUSALS).index(refused[message_id]))
    named = ", ".join(
        f"{message_id}: {_REFUSALS[outcome]}" for message_id, outcome in refused.items()
    )
    detail = f"user {entry.event.recipient_id} confirmed what it cannot: {named}"
    return DeadLetter(
        _REFUSALS[refused[first]],
        detail,
        entry.record,
        entry.trace_id,
        entry.event.conversation_id,
        first,
    )


class DeadLetterTask(Task):
    """Keeps one dead letter; its offset is finished once it is
    durable.
    """

    def __init__(
        self, dead_letter: DeadLetter, progress: OffsetTracker, dead_letters: DeadLetterLog
    ) -> None:
        self.progress = progress
        self._dead_letter = dead_letter
        self._dead_letters = dead_letters
        self._answer: Future[None]

    def start(self, on_end: Callable[[object], None]) -> None:
        """Hand the letter over.

        Args:
            on_end: The callback.
        """
        self._answer = self._dead_letters.append(self._dead_letter)
        self._answer.add_done_callback(on_end)

    def finish(self) -> Sequence[DeadLetter]:
        """Tell of the letter.

        Returns:
            Nothing more to put away.
        """
        self._answer.result(0)
        _log.warning(
            "dead_lettered",
            f"A record cannot be applied and was put away: {self._dead_letter.detail}",
            reason=self._dead_letter.reason,
            **self.log_context(),
        )
        self.progress.finish(self._dead_letter.record.offset)
        return ()

    def log_context(self) -> Mapping[str, object]:
        """Name the letter.

        Returns:
            Its trace, the ids of its event where that could be read,
            and the position of its record.
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
