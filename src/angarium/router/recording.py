"""Storing messages, and what became of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.events import NewMessage
from angarium.domain.message import Message, MessagePosition, Status, status_when_stored
from angarium.ports.message_log import DeadLetter
from angarium.ports.messages import MessageWriter, StoreOutcome
from angarium.router.entry import LogEntry
from angarium.router.lanes import Batch
from angarium.router.presence import nobody
from angarium.router.work import Task

_log = logs.get("angarium.router")


class StoreMessagesTask(Task):
    """Stores the messages of one group."""

    def __init__(
        self, group: Batch, online: "Future[Collection[UUID]]", recorder: MessageWriter, clock: Clock
    ) -> None:
        self.batch = group
        self.progress = group.progress
        self._clock = clock
        self._recorder = recorder
        self._entries = group.entries
        self._online = online
        # Made once: every try hands over the same messages.
        self._messages = tuple(map(_message, group.entries))
        self._answer: Future[tuple[StoreOutcome, ...]]

    def start(self, ended: Callable[[object], None]) -> None:
        """Hand the messages over.

        Args:
            ended: The callback.
        """
        if self.attempts > 1 and not self._online.done():
            # The first try may have waited for nothing else.
            self._online = nobody()
        self._answer = self._recorder.record(self._messages[0].conversation_id, self._messages, self._online)
        self._answer.add_done_callback(ended)

    def finish(self) -> Sequence[DeadLetter]:
        """Tell what became of each message.

        Returns:
            The conflicts.
        """
        outcomes = self._answer.result(0)
        stored = status_when_stored(self._messages, self._online.result(0))
        # A list, so that a wrong number of outcomes is seen before any of them is believed.
        answers = list(zip(self._entries, stored, outcomes, strict=True))
        letters: list[DeadLetter] = []
        for entry, message, outcome in answers:
            if outcome is StoreOutcome.CONFLICT:
                letters.append(_conflict(entry, message))
            else:
                self._log_outcome(entry, message, outcome)
                self.progress.finish(entry.record.offset)
        return letters

    def log_context(self) -> Mapping[str, object]:
        """Name the group by its first message.

        Returns:
            Its ids and place.
        """
        return self._entries[0].ids(self._messages[0].message_id)

    def _log_outcome(self, entry: LogEntry, message: Message, outcome: StoreOutcome) -> None:
        ids = entry.ids(message.message_id)
        # A try that failed may have taken effect, and its line was not written.
        if outcome is StoreOutcome.STORED or (outcome is StoreOutcome.REPLAYED and self.attempts > 1):
            _log.info(
                "message_stored",
                "The message is stored.",
                **ids,
                status=message.status.value,
                duration_ms=max(0, self._clock.now_ms() - entry.record.timestamp),
            )
        elif outcome is StoreOutcome.DUPLICATE:
            _log.info("message_duplicate", "Another record had stored this message; its text stands.", **ids)
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
    detail = f"message {message.message_id} was sent by the other participant before; that one stands"
    return DeadLetter(
        "message_id_conflict",
        detail,
        entry.record,
        entry.trace_id,
        message.conversation_id,
        message.message_id,
    )
