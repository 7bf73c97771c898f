"""Dead letters as records of their topic."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from angarium.engines.kafka.record_batches import max_batch_bytes
from angarium.ports.message_log import DeadLetter, Record

# Ours come behind the record's own headers; the last one of a name is
# ours.
_OWN_HEADERS = (
    "reason",
    "detail",
    "trace_id",
    "source_topic",
    "source_partition",
    "source_offset",
    "source_timestamp",
    "source_empty",
    "source_null_headers",
)


class ConsumerRecord(Protocol):
    """What a poll of the library gives, as far as it is of use here."""

    @property
    def partition(self) -> int:
        """Where the record lies."""

    @property
    def offset(self) -> int:
        """Where it lies in the partition."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]] | None:
        """Its headers, in their order."""


class DeadLetterRecord(NamedTuple):
    """What is sent for a dead letter.

    Attributes:
        key: The record's own.
        value: The record's own; empty where the record has no key
            either: the library wants one of the two.
        headers: The record's own, then ours. The library sends no
            header without a value: those of the record are empty here,
            and `source_null_headers` names them.
    """

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """How many bytes it takes at most, as the library counts
        them.
        """
        return max_batch_bytes(self.key, self.value, self.headers)


def encode(letter: DeadLetter, topic: str, max_bytes: int) -> DeadLetterRecord:
    """Put a dead letter into a record that its topic takes.

    A record that is too large is kept without its value; when that is
    not enough, only its position is kept.

    Args:
        letter: What to keep.
        topic: Where its record lies.
        max_bytes: How many bytes the topic takes.

    Returns:
        What to send.
    """
    whole = _encode(letter, topic)
    if whole.size <= max_bytes:
        return whole
    record = letter.record
    without_value = _shorten(
        letter, replace(record, value=None), f"its value ({_size_text(record.value)})"
    )
    if (short := _encode(without_value, topic)).size <= max_bytes:
        return short
    position = Record(record.partition, record.offset, record.timestamp, None, None)
    return _encode(
        _shorten(letter, position, f"its key, value and headers ({whole.size} bytes)"), topic
    )


def decode(found: ConsumerRecord) -> DeadLetter | None:
    """Read a dead letter back.

    Args:
        found: A record of the topic of dead letters.

    Returns:
        The dead letter; None for a record that nobody here wrote.
    """
    try:
        return _decode(found)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _decode(found: ConsumerRecord) -> DeadLetter:
    """Return the dead letter of a record that has our headers last."""
    headers = list(found.headers or ())
    own: dict[str, bytes | None] = dict(headers[: -len(_OWN_HEADERS)])
    texts = {name: value.decode() for name, value in headers[-len(_OWN_HEADERS) :]}
    own |= dict.fromkeys(json.loads(texts["source_null_headers"]))
    record = Record(
        int(texts["source_partition"]),
        int(texts["source_offset"]),
        int(texts["source_timestamp"]),
        found.key,
        None if texts["source_empty"] == "1" else found.value,
        own,
    )
    return DeadLetter(texts["reason"], texts["detail"], record, texts["trace_id"])


def _encode(letter: DeadLetter, topic: str) -> DeadLetterRecord:
    record = letter.record
    empty = record.key is None and record.value is None
    texts = (
        letter.reason,
        letter.detail,
        letter.trace_id,
        topic,
        str(record.partition),
        str(record.offset),
        str(record.timestamp),
        "1" if empty else "0",
        json.dumps([name for name, value in record.headers.items() if value is None]),
    )
    own = [(name, value or b"") for name, value in record.headers.items()]
    ours = [(name, text.encode()) for name, text in zip(_OWN_HEADERS, texts, strict=True)]
    return DeadLetterRecord(record.key, b"" if empty else record.value, own + ours)


def _shorten(letter: DeadLetter, record: Record, missing: str) -> DeadLetter:
    detail = (
        f"{letter.detail}; too large to be kept whole: without {missing}, which only its topic has"
    )
    return replace(letter, detail=detail, record=record)


def _size_text(value: bytes | None) -> str:
    return f"{len(value or b'')} bytes"
