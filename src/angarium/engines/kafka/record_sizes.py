"""Maximum sizes of records and batches, computed in one place."""

from uuid import UUID

from angarium import instance
from angarium.domain.events import MAX_RECEIPT_IDS, SCHEMA, MessagesDelivered, NewMessage, encode
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.kafka.record_batches import HEADER_BYTES

BATCH_BYTES = 16 * 1024
"""Maximum bytes of a batch of several records, the library's default; a
larger record has a batch of its own.
"""

MAX_RECORD_OVERHEAD = 21
"""Maximum bytes of a record's length, attributes, time and offset."""

_ID = UUID(int=2**128 - 1)
_LAST_MOMENT = 2**63 - 1
_MAX_ESCAPE = "\x01"  # JSON writes six bytes for this one
_TRACE_ID_BYTES = 32  # hex digits

Headers = list[tuple[str, bytes]]


def max_batch_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Return the maximum size of a batch with one record.

    Brokers compare the sizes of whole batches with a topic's limit.

    Args:
        key: The record's key.
        value: The record's value.
        headers: The record's headers.

    Returns:
        Bytes, at most.
    """
    fields = [key, value]
    for name, content in headers:
        fields += name.encode(), content
    size = HEADER_BYTES + MAX_RECORD_OVERHEAD + _varint_bytes(len(headers))
    for field in fields:
        size += 1 if field is None else _varint_bytes(len(field)) + len(field)
    return size


def _varint_bytes(number: int) -> int:
    """Return how many bytes a number of 0 or more takes."""
    return max(1, -(-(number << 1).bit_length() // 7))


def _largest_batch() -> int:
    """Return the size of the largest batch that legal requests make."""
    message = NewMessage(_ID, _ID, _LAST_MOMENT, _ID, _ID, _ID, _MAX_ESCAPE * MAX_CONTENT_BYTES)
    receipt = MessagesDelivered(_ID, _ID, _LAST_MOMENT, _ID, (_ID,) * MAX_RECEIPT_IDS)
    headers: Headers = [
        ("trace_id", bytes(_TRACE_ID_BYTES)),
        ("schema", SCHEMA.encode()),
        ("instance", bytes(instance.MAX_LENGTH)),
    ]
    alone = [
        max_batch_bytes(str(_ID).encode(), encode(event), headers) for event in (message, receipt)
    ]
    return max(BATCH_BYTES, *alone)


MAX_BATCH_BYTES = _largest_batch()
"""A topic of records has to accept it (`max.message.bytes`)."""

DEFAULT_TOPIC_BYTES = 1024 * 1024 + 12
"""What topics accept by default; new topics are created with it
explicitly.
"""

MAX_RECORD_BYTES = 1024 * 1024
"""A larger record is refused before it is sent; it is the library's
default (`max_request_size`).
"""

DEAD_LETTER_TOPIC_BYTES = 8 * 1024 * 1024
"""What the dead letters' topic accepts: eight times a topic's default,
since a record may be compressed in its own topic.
"""

MAX_DEAD_LETTER_BYTES = DEAD_LETTER_TOPIC_BYTES - DEAD_LETTER_TOPIC_BYTES // 64
"""Maximum bytes of a dead letter; the rest of what its topic accepts is
for what a compression by the brokers may add.
"""
