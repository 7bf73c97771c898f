"""Decode a record of the log into an entry or a dead letter."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.events import Event, NewMessage
from angarium.ports.message_log import DeadLetter, Record
from angarium.router.offsets import OffsetTracker
from angarium.services.record_validation import InvalidRecord, trace_id_of, validate_record


@dataclass(frozen=True, slots=True, eq=False)
class LogEntry:
    """An event with its position in the log.

    Attributes:
        event: The decoded event.
        record: The record that holds it.
        watermark: The largest append time up to the record,
            milliseconds since the epoch.
        trace_id: The trace of the request that made it.
        tracker: Of the assignment that it was read under.
        taken_at: When it was taken from the log, by the monotonic
            clock.
    """

    event: Event
    record: Record
    watermark: int
    trace_id: str
    tracker: OffsetTracker
    taken_at: float

    @property
    def messages(self) -> int:
        """How many messages the event sends or confirms."""
        return 1 if isinstance(self.event, NewMessage) else len(self.event.message_ids)

    def ids(self, message_id: UUID) -> dict[str, object]:
        """Return the log fields that name one of the event's messages.

        Args:
            message_id: One of the event's messages.

        Returns:
            Its ids and the record's position.
        """
        return {
            "trace_id": self.trace_id,
            "conversation_id": self.event.conversation_id,
            "message_id": message_id,
            "partition": self.record.partition,
            "offset": self.record.offset,
        }


def decode_record(
    record: Record, watermark: int, tracker: OffsetTracker, partitions: int, taken_at: float
) -> LogEntry | DeadLetter:
    """Decode a record; an invalid one becomes a dead letter.

    Args:
        record: A record that a poll returned.
        watermark: The largest append time up to the record.
        tracker: Of its partition.
        partitions: The partition count of the log.
        taken_at: When the poll returned it, by the monotonic clock.

    Returns:
        The entry to apply, or the dead letter to append.
    """
    trace_id = trace_id_of(record)
    found = validate_record(record, partitions)
    if not isinstance(found, InvalidRecord):
        return LogEntry(found, record, watermark, trace_id, tracker, taken_at)
    if found.event is None:
        return DeadLetter(found.reason, found.detail, record, trace_id)
    event = found.event
    message_id = event.message_id if isinstance(event, NewMessage) else event.message_ids[0]
    return DeadLetter(
        found.reason, found.detail, record, trace_id, event.conversation_id, message_id
    )
