"""How large records and their batches may become, computed in one
place.
"""

from uuid import UUID

from angarium.domain.events import MAX_RECEIPT_IDS, SCHEMA, MessagesDelivered, NewMessage, encode
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.kafka.record_batches import Headers, max_batch_bytes

BATCH_BYTES = 16 * 1024
"""A batch of several records has no more; a record that is larger has a
batch of its own."""

_ID = UUID(int=2**128 - 1)
_LAST_MOMENT = 2**63 - 1
_MAX_ESCAPE = "\x01"  # JSON writes six bytes for this one
_TRACE_ID_BYTES = 64


def _largest_batch() -> int:
    """Return the size of the largest batch that legal requests make."""
    message = NewMessage(_ID, _ID, _LAST_MOMENT, _ID, _ID, _ID, _MAX_ESCAPE * MAX_CONTENT_BYTES)
    receipt = MessagesDelivered(_ID, _ID, _LAST_MOMENT, _ID, (_ID,) * MAX_RECEIPT_IDS)
    headers: Headers = [("trace_id", bytes(_TRACE_ID_BYTES)), ("schema", SCHEMA.encode())]
    alone = [
        max_batch_bytes(str(_ID).encode(), encode(event), headers) for event in (message, receipt)
    ]
    return max(BATCH_BYTES, *alone)


MAX_BATCH_BYTES = _largest_batch()
"""A topic of records has to take it (`max.message.bytes`)."""

DEFAULT_TOPIC_BYTES = 1024 * 1024 + 12
"""What brokers let topics take by default; new topics get it by
name.
"""

MAX_RECORD_BYTES = 1024 * 1024
"""A record with more is refused before it is sent, unless its topic
takes more.
"""

DEAD_LETTER_TOPIC_BYTES = 8 * 1024 * 1024
"""The largest dead letter: eight times what a topic takes by default,
which may be compressed there.
"""

MAX_DEAD_LETTER_BYTES = DEAD_LETTER_TOPIC_BYTES - DEAD_LETTER_TOPIC_BYTES // 64
"""In bytes; the rest of what the topic takes is for what a compression
by the brokers may add.
"""
