"""Raising messages to DELIVERED, and what became of the receipts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.domain.events import MessagesDelivered
from angarium.ports.message_log import DeadLetter
from angarium.ports.messages import Marked, MessageRecorder, Receipt
from angarium.router.entry import Entry
from angarium.router.lanes import Group
from angarium.router.work import Work

_log = logs.get("angarium.router")

_REFUSALS = {Marked.NOT_RECIPIENT: "not_recipient", Marked.UNKNOWN: "unknown_message"}


class Marking(Work):
    """Raises the messages that a group's receipts name to DELIVERED."""

    def __init__(self, group: Group, recorder: MessageRecorder) -> None:
        self.group = group
        self.progress = group.progress
        self._recorder = recorder
        self._receipts = [(entry, message_id) for entry in group.entries for message_id in _confirmed(entry)]
        self._answer: Future[tuple[Marked, ...]]

    def begin(self, ended: Callable[[object], None]) -> None:
        """Hand the receipts over.

        Args:
            ended: The callback.
        """
        receipts = tuple(
            Receipt(message_id, entry.event.recipient_id, entry.time) for entry, message_id in self._receipts
        )
        self._answer = self._recorder.mark_delivered(self._receipts[0][0].event.conversation_id, receipts)
        self._answer.add_done_callback(ended)

    def conclude(self) -> Sequence[DeadLetter]:
        """Tell what became of each record's receipts.

        Returns:
            The records that confirm what they cannot.
        """
        answers = list(zip(self._receipts, self._answer.result(0), strict=True))
        refused: dict[Entry, dict[UUID, Marked]] = {}
        for (entry, message_id), outcome in answers:
            found = refused.setdefault(entry, {})
            if outcome in _REFUSALS:
                found[message_id] = outcome
        letters: list[DeadLetter] = []
        for entry, found in refused.items():
            self._tell(entry, found)
            if found:
                letters.append(_refusal(entry, found))
            else:
                self.progress.finish(entry.record.offset)
        return letters

    def about(self) -> Mapping[str, object]:
        """Name the group by its first receipt.

        Returns:
            Its ids and place.
        """
        entry, message_id = self._receipts[0]
        return entry.ids(message_id)

    def _tell(self, entry: Entry, refused: Collection[UUID]) -> None:
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


def _confirmed(entry: Entry) -> tuple[UUID, ...]:
    return cast("MessagesDelivered", entry.event).message_ids


def _refusal(entry: Entry, refused: Mapping[UUID, Marked]) -> DeadLetter:
    # A record has one letter; what somebody did wrong outweighs what is not there.
    first = min(refused, key=lambda message_id: list(_REFUSALS).index(refused[message_id]))
    named = ", ".join(f"{message_id}: {_REFUSALS[outcome]}" for message_id, outcome in refused.items())
    detail = f"user {entry.event.recipient_id} confirmed what it cannot: {named}"
    return DeadLetter(
        _REFUSALS[refused[first]], detail, entry.record, entry.trace_id, entry.event.conversation_id, first
    )
