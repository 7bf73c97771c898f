"""Raising messages to DELIVERED, and what became of the receipts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.domain.events import MessagesDelivered
from angarium.ports.message_log import DeadLetter
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome
from angarium.router.entry import LogEntry
from angarium.router.lanes import Batch
from angarium.router.work import Task

_log = logs.get("angarium.router")

_REFUSALS = {ReceiptOutcome.NOT_RECIPIENT: "not_recipient", ReceiptOutcome.UNKNOWN: "unknown_message"}


class MarkDeliveredTask(Task):
    """Raises the messages that a group's receipts name to DELIVERED."""

    def __init__(self, group: Batch, recorder: MessageWriter) -> None:
        self.batch = group
        self.progress = group.progress
        self._recorder = recorder
        self._receipts = [(entry, message_id) for entry in group.entries for message_id in _confirmed(entry)]
        self._answer: Future[tuple[ReceiptOutcome, ...]]

    def start(self, ended: Callable[[object], None]) -> None:
        """Hand the receipts over.

        Args:
            ended: The callback.
        """
        receipts = tuple(
            Receipt(message_id, entry.event.recipient_id, entry.time) for entry, message_id in self._receipts
        )
        self._answer = self._recorder.mark_delivered(self._receipts[0][0].event.conversation_id, receipts)
        self._answer.add_done_callback(ended)

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
        letters: list[DeadLetter] = []
        for entry, found in refused.items():
            self._log_outcome(entry, found)
            if found:
                letters.append(_refusal(entry, found))
            else:
                self.progress.finish(entry.record.offset)
        return letters

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
    # A record has one letter; what somebody did wrong outweighs what is not there.
    first = min(refused, key=lambda message_id: list(_REFUSALS).index(refused[message_id]))
    named = ", ".join(f"{message_id}: {_REFUSALS[outcome]}" for message_id, outcome in refused.items())
    detail = f"user {entry.event.recipient_id} confirmed what it cannot: {named}"
    return DeadLetter(
        _REFUSALS[refused[first]], detail, entry.record, entry.trace_id, entry.event.conversation_id, first
    )
