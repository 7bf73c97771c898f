"""Decode a record of the log into an entry or a dead letter."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.errors import UndecodableEvent
from angarium.domain.events import Event, NewMessage, decode
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import DeadLetter, Record
from angarium.router.offsets import OffsetTracker

MAX_TRACE_ID = 64
"""Bytes of a trace id that are logged; the API sends no longer ones,
and a foreign producer must not flood the logs.
"""


@dataclass(frozen=True, slots=True, eq=False)
class LogEntry:
    """An event with its position in the log.

    Attributes:
        event: The decoded event.
        record: The record that holds it.
        time: The largest append time up to the record, milliseconds
            since the epoch.
        trace_id: The trace of the request that made it.
        progress: The tracker of the assignment that it was read under.
    """

    event: Event
    record: Record
    time: int
    trace_id: str
    progress: OffsetTracker

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
    record: Record, time: int, progress: OffsetTracker, partitions: int
) -> LogEntry | DeadLetter:
    """Decode a record; an invalid one becomes a dead letter.

    Args:
        record: A record that a poll returned.
        time: The largest append time up to the record.
        progress: The tracker of its partition.
        partitions: The partition count of the log.

    Returns:
        The entry to apply, or the dead letter to append.
    """
    trace_id = trace_id_of(record)
    try:
        event = _event(record)
    except UndecodableEvent as error:
        return DeadLetter("undecodable_event", str(error), record, trace_id)
    except Exception as error:  # noqa: BLE001 - kept in the dead letter: one record must not stop the others
        # Only the type: the text of an unexpected error may quote the
        # message.
        return DeadLetter(
            "internal_error", f"decoding it raised {type(error).__name__}", record, trace_id
        )
    if record.key != str(event.conversation_id).encode():
        detail = f"the key is not the event's conversation_id, {event.conversation_id}"
        return _misplaced("key_mismatch", detail, record, trace_id, event)
    # Order exists only within a partition: here it could be placed
    # before messages that readers have already seen (docs/adr/0014).
    if record.partition != (right := partition_for(record.key, partitions)):
        detail = f"its key belongs to partition {right} of {partitions}, where a replay puts it"
        return _misplaced("wrong_partition", detail, record, trace_id, event)
    return LogEntry(event, record, time, trace_id, progress)


def trace_id_of(record: Record) -> str:
    """Return the trace id that a record is logged under.

    Args:
        record: Any record.

    Returns:
        Its `trace_id` header; `partition:offset` when it has none.
    """
    header = record.headers.get("trace_id")
    if not header:
        return f"{record.partition}:{record.offset}"
    return header[:MAX_TRACE_ID].decode("utf-8", "replace")


def _misplaced(
    reason: str, detail: str, record: Record, trace_id: str, event: Event
) -> DeadLetter:
    """Return the dead letter for a wrong key or partition."""
    message_id = event.message_id if isinstance(event, NewMessage) else event.message_ids[0]
    return DeadLetter(reason, detail, record, trace_id, event.conversation_id, message_id)


def _event(record: Record) -> Event:
    """Return a record's event, or raise UndecodableEvent."""
    if record.problem is not None:
        raise UndecodableEvent(record.problem)
    if record.value is None:
        raise UndecodableEvent("the record has no value")
    return decode(record.value, (record.headers.get("schema") or b"").decode("utf-8", "replace"))
