"""Which records the worker applies, and why it refuses the others.

The worker decides by it, and the commands that explain the log judge
its records in the same way (docs/adr/0012).
"""

from typing import NamedTuple

from angarium.domain.errors import UndecodableEvent
from angarium.domain.events import Event, decode
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Record

MAX_TRACE_ID = 64
"""Bytes of a trace id that are logged; the API sends no longer ones,
and a foreign producer must not flood the logs.
"""


class InvalidRecord(NamedTuple):
    """Why a record can never be applied.

    Attributes:
        reason: That of its dead letter.
        detail: For a person, without the content.
        event: What it holds, None when that cannot be read.
    """

    reason: str
    detail: str
    event: Event | None = None


def validate_record(record: Record, partitions: int) -> Event | InvalidRecord:
    """Decode a record, and check that it is where it belongs.

    Args:
        record: As it was read from the log.
        partitions: The partition count of the log.

    Returns:
        Its event, or why it is a dead letter.
    """
    try:
        event = _event(record)
    except UndecodableEvent as error:
        return InvalidRecord("undecodable_event", str(error))
    except Exception as error:  # noqa: BLE001 - kept in the dead letter: one record must not stop the others
        # Only the type: the text of an unexpected error may quote the
        # message.
        return InvalidRecord("internal_error", f"decoding it raised {type(error).__name__}")
    if record.key != str(event.conversation_id).encode():
        detail = f"the key is not the event's conversation_id, {event.conversation_id}"
        return InvalidRecord("key_mismatch", detail, event)
    # Order exists only within a partition: here it could be placed
    # before messages that readers have already seen (docs/adr/0014).
    if record.partition != (right := partition_for(record.key, partitions)):
        detail = f"its key belongs to partition {right} of {partitions}, where a replay puts it"
        return InvalidRecord("wrong_partition", detail, event)
    return event


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


def _event(record: Record) -> Event:
    """Return a record's event, or raise UndecodableEvent."""
    if record.problem is not None:
        raise UndecodableEvent(record.problem)
    if record.value is None:
        raise UndecodableEvent("the record has no value")
    return decode(record.value, (record.headers.get("schema") or b"").decode("utf-8", "replace"))
