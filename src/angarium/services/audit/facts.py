"""What log and store say about a message, in few bytes each.

All facts about one message id of one conversation are neighbours once
they are sorted, whether they come from the log or from the store.
"""

import struct
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from angarium.domain.message import Message, MessagePosition, Status
from angarium.ports.store_inspection import IndexRow

_LAYOUT = struct.Struct(">16s16sBqqqB16s16s16s")
"""Conversation and message, kind, offset, two times, flags, three ids:
sorted by their bytes, records of one kind are in the order of offsets.
"""

FACT_BYTES = _LAYOUT.size

_KEY_BYTES = 32
_KIND_AT = 32

_DIGEST_BYTES = 16
"""Two texts with one digest would be taken for the same; of 10⁹ texts
any two have one with a chance of 10⁻²¹.
"""

_MESSAGE_RECORD, _RECEIPT_RECORD, _MESSAGE_ROW, _INDEX_ROW = range(4)

_SKIPPED = 1
_LETTER_MISSING = 2
_STATUSES = tuple(Status)
_NEVER = -(2**63)
"""In place of a time that a row does not have."""

_NOTHING = bytes(16)


class MessageRecord(NamedTuple):
    """A record that asks to store a message.

    Attributes:
        offset: Its offset.
        watermark: The running maximum of append times, from the first
            record that was read up to this one.
        sender: Who wrote the message, an id's bytes.
        recipient: To whom.
        digest: That of the text.
        skipped: Whether a dead letter says that it was not applied for
            a reason of its own; a later replay may have applied it.
        letter_missing: Whether it has no dead letter, although one
            would be kept still.
    """

    offset: int
    watermark: int
    sender: bytes
    recipient: bytes
    digest: bytes
    skipped: bool
    letter_missing: bool


class ReceiptRecord(NamedTuple):
    """A record that confirms a message, and perhaps others too.

    Attributes:
        offset: Its offset.
        watermark: As in `MessageRecord`.
        recipient: Who confirmed, an id's bytes.
        skipped: As in `MessageRecord`.
        letter_missing: As in `MessageRecord`.
    """

    offset: int
    watermark: int
    recipient: bytes
    skipped: bool
    letter_missing: bool


class MessageRow(NamedTuple):
    """A row of the messages.

    Attributes:
        position: Where it is.
        sender: Who wrote the message, an id's bytes.
        recipient: To whom.
        digest: That of the text.
        delivered: Whether the status is DELIVERED.
        delivered_at: Since when, None where the row does not say.
    """

    position: MessagePosition
    sender: bytes
    recipient: bytes
    digest: bytes
    delivered: bool
    delivered_at: int | None


class StoredIndex(NamedTuple):
    """A row of the index.

    Attributes:
        position: Where it says that the message is.
        sender: Whose message it says it is, an id's bytes.
    """

    position: MessagePosition
    sender: bytes


class MessageFacts(NamedTuple):
    """Everything about one message id of one conversation.

    Attributes:
        conversation_id: The conversation.
        message_id: The message.
        records: The records that ask to store it, in their order.
        receipts: The records that confirm it, in their order.
        rows: Its rows, by position; one in a sound store.
        indexed: Its rows in the index; one in a sound store.
    """

    conversation_id: UUID
    message_id: UUID
    records: list[MessageRecord]
    receipts: list[ReceiptRecord]
    rows: list[MessageRow]
    indexed: list[StoredIndex]


def digest_of(content: str) -> bytes:
    """Return what texts are compared by.

    Args:
        content: A text.

    Returns:
        16 bytes.
    """
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def pack_message_record(conversation_id: UUID, message_id: UUID, record: MessageRecord) -> bytes:
    """Pack what a record asks to store.

    Args:
        conversation_id: The conversation.
        message_id: The message.
        record: What else it says.

    Returns:
        FACT_BYTES bytes.
    """
    return _LAYOUT.pack(
        conversation_id.bytes,
        message_id.bytes,
        _MESSAGE_RECORD,
        record.offset,
        record.watermark,
        0,
        _flags(record.skipped, record.letter_missing),
        record.sender,
        record.recipient,
        record.digest,
    )


def pack_receipt(conversation_id: UUID, message_id: UUID, receipt: ReceiptRecord) -> bytes:
    """Pack what a record confirms.

    Args:
        conversation_id: The conversation.
        message_id: One of its messages.
        receipt: What else it says.

    Returns:
        FACT_BYTES bytes.
    """
    return _LAYOUT.pack(
        conversation_id.bytes,
        message_id.bytes,
        _RECEIPT_RECORD,
        receipt.offset,
        receipt.watermark,
        0,
        _flags(receipt.skipped, receipt.letter_missing),
        _NOTHING,
        receipt.recipient,
        _NOTHING,
    )


def pack_row(message: Message) -> bytes:
    """Pack a row of the messages.

    Args:
        message: The row.

    Returns:
        FACT_BYTES bytes.
    """
    return _LAYOUT.pack(
        message.conversation_id.bytes,
        message.message_id.bytes,
        _MESSAGE_ROW,
        message.position.offset,
        message.position.timestamp,
        _NEVER if message.delivered_at is None else message.delivered_at,
        _STATUSES.index(message.status),
        message.sender_id.bytes,
        message.recipient_id.bytes,
        digest_of(message.content),
    )


def pack_index(conversation_id: UUID, row: IndexRow) -> bytes:
    """Pack a row of the index.

    Args:
        conversation_id: The conversation.
        row: The row.

    Returns:
        FACT_BYTES bytes.
    """
    return _LAYOUT.pack(
        conversation_id.bytes,
        row.message_id.bytes,
        _INDEX_ROW,
        row.position.offset,
        row.position.timestamp,
        0,
        0,
        row.sender_id.bytes,
        _NOTHING,
        _NOTHING,
    )


def group_facts(facts: Iterable[bytes]) -> Iterator[MessageFacts]:
    """Gather what belongs to one message.

    Args:
        facts: Packed, sorted by their bytes.

    Yields:
        The facts about each message id, unpacked.
    """
    for key, packed in groupby(facts, lambda fact: fact[:_KEY_BYTES]):
        about = MessageFacts(UUID(bytes=key[:16]), UUID(bytes=key[16:]), [], [], [], [])
        for fact in packed:
            _UNPACK[fact[_KIND_AT]](about, fact)
        yield about


def _flags(skipped: bool, letter_missing: bool) -> int:
    """Return the two as one number."""
    return skipped * _SKIPPED + letter_missing * _LETTER_MISSING


def _add_record(about: MessageFacts, fact: bytes) -> None:
    """Unpack what a record asks to store."""
    _, _, _, offset, watermark, _, flags, sender, recipient, digest = _LAYOUT.unpack(fact)
    skipped, letter_missing = bool(flags & _SKIPPED), bool(flags & _LETTER_MISSING)
    about.records.append(
        MessageRecord(offset, watermark, sender, recipient, digest, skipped, letter_missing)
    )


def _add_receipt(about: MessageFacts, fact: bytes) -> None:
    """Unpack what a record confirms."""
    _, _, _, offset, watermark, _, flags, _, recipient, _ = _LAYOUT.unpack(fact)
    skipped, letter_missing = bool(flags & _SKIPPED), bool(flags & _LETTER_MISSING)
    about.receipts.append(ReceiptRecord(offset, watermark, recipient, skipped, letter_missing))


def _add_row(about: MessageFacts, fact: bytes) -> None:
    """Unpack a row of the messages."""
    _, _, _, offset, timestamp, at, status, sender, recipient, digest = _LAYOUT.unpack(fact)
    about.rows.append(
        MessageRow(
            MessagePosition(timestamp, offset),
            sender,
            recipient,
            digest,
            _STATUSES[status] is Status.DELIVERED,
            None if at == _NEVER else at,
        )
    )


def _add_index(about: MessageFacts, fact: bytes) -> None:
    """Unpack a row of the index."""
    _, _, _, offset, timestamp, _, _, sender, _, _ = _LAYOUT.unpack(fact)
    about.indexed.append(StoredIndex(MessagePosition(timestamp, offset), sender))


_UNPACK = (_add_record, _add_receipt, _add_row, _add_index)
