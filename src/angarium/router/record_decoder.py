"""A record of the log, read as far as it can be."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.errors import UndecodableEvent
from angarium.domain.events import Event, NewMessage, decode
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import DeadLetter, Record
from angarium.router.offsets import OffsetTracker

MAX_TRACE_ID = 64


@dataclass(frozen=True, slots=True, eq=False)
class LogEntry:
    """An event with its place in the log.

    Attributes:
        event: What happened.
        record: Where it was read.
        time: The running maximum of append times at the record,
            milliseconds since the epoch.
        trace_id: The trace of the request that made it.
        progress: The partition's, under the assignment that the record
            came with.
    """

    event: Event
    record: Record
    time: int
    trace_id: str
    progress: OffsetTracker

    def ids(self, message_id: UUID) -> dict[str, object]:
        """Name one of the event's messages in log lines.

        Args:
            message_id: Which.

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
    """Read a record; whatever is wrong with it, it stops nobody.

    Args:
        record: What the log gave.
        time: The running maximum of append times at the record.
        progress: The partition's.
        partitions: How many partitions the log has.

    Returns:
        The entry to apply, or the dead letter that the record becomes.
    """
    trace_id = trace_id_of(record)
    try:
        event = _event(record)
    except UndecodableEvent as error:
        return DeadLetter("undecodable_event", str(error), record, trace_id)
    except Exception as error:  # noqa: BLE001 - told in the dead letter: one record must not stop the others
        # Only the type: an unforeseen error's text may quote the
        # content.
        return DeadLetter(
            "internal_error", f"reading it raised {type(error).__name__}", record, trace_id
        )
    if record.key != str(event.conversation_id).encode():
        detail = f"the key is not the event's conversation_id, {event.conversation_id}"
        return _misplaced("key_mismatch", detail, record, trace_id, event)
    # Order exists within a partition alone: here it could come to lie
    # before what others were shown already.
    if record.partition != (right := partition_for(record.key, partitions)):
        detail = f"its key belongs into partition {right} of {partitions}, where a replay puts it"
        return _misplaced("wrong_partition", detail, record, trace_id, event)
    return LogEntry(event, record, time, trace_id, progress)


def trace_id_of(record: Record) -> str:
    """Tell under which id a record's story is logged.

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
    message_id = event.message_id if isinstance(event, NewMessage) else event.message_ids[0]
    return DeadLetter(reason, detail, record, trace_id, event.conversation_id, message_id)


def _event(record: Record) -> Event:
    if record.problem is not None:
        raise UndecodableEvent(record.problem)
    if record.value is None:
        raise UndecodableEvent("the record has no value")
    return decode(record.value, (record.headers.get("schema") or b"").decode("utf-8", "replace"))
