"""Storing messages, and what became of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium import logs
from angarium.clock import Clock
from angarium.domain.events import NewMessage
from angarium.domain.message import Message, Place, Status
from angarium.ports.message_log import DeadLetter
from angarium.ports.messages import MessageRecorder, Recorded
from angarium.router.entry import Entry
from angarium.router.lanes import Group
from angarium.router.work import Work

_log = logs.get("angarium.router")


class Recording(Work):
    """Stores the messages of one group."""

    def __init__(
        self, group: Group, online: Collection[UUID], recorder: MessageRecorder, clock: Clock
    ) -> None:
        self.group = group
        self.progress = group.progress
        self._clock = clock
        self._recorder = recorder
        self._entries = group.entries
        # Made once: every try hands over the same messages.
        self._messages = tuple(_message(entry, online) for entry in group.entries)
        self._answer: Future[tuple[Recorded, ...]]

    def begin(self, ended: Callable[[object], None]) -> None:
        """Hand the messages over.

        Args:
            ended: The callback.
        """
        self._answer = self._recorder.record(self._messages[0].conversation_id, self._messages)
        self._answer.add_done_callback(ended)

    def conclude(self) -> Sequence[DeadLetter]:
        """Tell what became of each message.

        Returns:
            The conflicts.
        """
        # A list, so that a wrong number of outcomes is seen before any of them is believed.
        answers = list(zip(self._entries, self._messages, self._answer.result(0), strict=True))
        letters: list[DeadLetter] = []
        for entry, message, outcome in answers:
            if outcome is Recorded.CONFLICT:
                letters.append(_conflict(entry, message))
            else:
                self._tell(entry, message, outcome)
                self.progress.finish(entry.record.offset)
        return letters

    def about(self) -> Mapping[str, object]:
        """Name the group by its first message.

        Returns:
            Its ids and place.
        """
        return self._entries[0].ids(self._messages[0].message_id)

    def _tell(self, entry: Entry, message: Message, outcome: Recorded) -> None:
        ids = entry.ids(message.message_id)
        # A try that failed may have taken effect, and its line was not written.
        if outcome is Recorded.STORED or (outcome is Recorded.REPLAYED and self.attempts > 1):
            _log.info(
                "message_stored",
                "The message is stored.",
                **ids,
                status=message.status.value,
                duration_ms=max(0, self._clock.now_ms() - entry.record.timestamp),
            )
        elif outcome is Recorded.DUPLICATE:
            _log.info("message_duplicate", "Another record had stored this message; its text stands.", **ids)
        else:
            _log.debug("message_replayed", "This record had been applied before.", **ids)


def _message(entry: Entry, online: Collection[UUID]) -> Message:
    event = cast("NewMessage", entry.event)
    return Message(
        event.message_id,
        event.conversation_id,
        event.sender_id,
        event.recipient_id,
        event.content,
        Place(entry.time, entry.record.offset),
        Status.SENT if event.recipient_id in online else Status.PENDING,
    )


def _conflict(entry: Entry, message: Message) -> DeadLetter:
    detail = f"message {message.message_id} was sent by the other participant before; that one stands"
    return DeadLetter(
        "message_id_conflict",
        detail,
        entry.record,
        entry.trace_id,
        message.conversation_id,
        message.message_id,
    )
