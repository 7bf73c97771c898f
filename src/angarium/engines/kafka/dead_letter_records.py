"""Encode dead letters as records of their topic, and decode them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

from angarium.engines.kafka.record_sizes import max_batch_bytes
from angarium.ports.log_inspection import BuriedRecord
from angarium.ports.message_log import DeadLetter, Record

# These follow the record's own headers. A record may have headers of
# the same names, so the last ones count.
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
    """The fields of the library's records that are used here."""

    @property
    def partition(self) -> int:
        """The partition that holds the record."""

    @property
    def offset(self) -> int:
        """The record's offset in its partition."""

    @property
    def key(self) -> bytes | None:
        """The record's key; None when it has none."""

    @property
    def value(self) -> bytes | None:
        """The record's value; None when it has none."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]] | None:
        """The record's headers, in their order."""


class DeadLetterRecord(NamedTuple):
    """The record that is sent for a dead letter.

    Attributes:
        key: The key of the record that cannot be applied.
        value: Its value; empty when the record has no key either,
            because the library requires one of the two.
        headers: Its headers, then those of this module. The library
            sends no header without a value: such headers are empty
            here, and `source_null_headers` names them.
    """

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """Maximum size in bytes, as the library counts it."""
        return max_batch_bytes(self.key, self.value, self.headers)


def encode(letter: DeadLetter, topic: str, max_bytes: int) -> DeadLetterRecord:
    """Return a dead letter as a record that its topic accepts.

    A record that is too large is kept without its value. When that is
    not enough, only its position is kept.

    Args:
        letter: The dead letter.
        topic: The topic of the record that cannot be applied.
        max_bytes: The largest record that the dead letters' topic
            accepts.

    Returns:
        The record to send.
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
    """Return the dead letter that a record holds.

    Args:
        found: A record of the dead letters' topic.

    Returns:
        The dead letter; None for a record of a foreign producer.
    """
    try:
        return _decode(found)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def decode_source(found: Record) -> BuriedRecord | None:
    """Return which record a dead letter is about, without its content.

    Args:
        found: A record of the dead letters' topic.

    Returns:
        The record; None when a foreign producer made the dead letter.
    """
    try:
        texts = {name: (found.headers[name] or b"").decode() for name in _OWN_HEADERS}
        return BuriedRecord(
            int(texts["source_partition"]),
            int(texts["source_offset"]),
            int(texts["source_timestamp"]),
            texts["reason"],
            texts["detail"],
        )
    except (KeyError, ValueError):
        return None


def _decode(found: ConsumerRecord) -> DeadLetter:
    """Return the dead letter of a record that ends with our headers."""
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
    """Return a dead letter as a record, whatever its size."""
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
    """Return a dead letter with a part of its record only."""
    detail = (
        f"{letter.detail}; too large to be kept complete: without {missing}, which only its topic "
        "has"
    )
    return replace(letter, detail=detail, record=record)


def _size_text(value: bytes | None) -> str:
    """Return the size of a value for the detail text."""
    return f"{len(value or b'')} bytes"
