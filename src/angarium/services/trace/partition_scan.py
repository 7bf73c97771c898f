"""One pass over a partition for the records that name one message."""

from array import array
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from angarium.domain.events import Event, MessagesDelivered, NewMessage
from angarium.ports.message_log import Position, Record
from angarium.services.record_validation import InvalidRecord, validate_record
from angarium.services.trace.journey import Subject


class Winner(NamedTuple):
    """What the store knows of the first record of a message.

    Attributes:
        offset: Where it is, None when the log never had it or has it no
            more.
        sender_id: Who sent it.
        recipient_id: To whom; None when only the index knows it.
    """

    offset: int | None
    sender_id: UUID
    recipient_id: UUID | None

    def is_recipient(self, user_id: UUID) -> bool:
        """Return whether a user may confirm the message.

        Args:
            user_id: Who confirmed it.

        Returns:
            As far as it is known.
        """
        if self.recipient_id is None:
            return user_id != self.sender_id
        return user_id == self.recipient_id


@dataclass(frozen=True, slots=True)
class Origin:
    """The record that made the message.

    Attributes:
        event: The message.
        record: The record.
        watermark: The running maximum of append times at it,
            milliseconds since the epoch.
    """

    event: NewMessage
    record: Record
    watermark: int


class FoundReceipt(NamedTuple):
    """A record in which the recipient confirms the message.

    Attributes:
        offset: Where it is.
        delivered_at: The running maximum of append times at it,
            milliseconds since the epoch.
    """

    offset: int
    delivered_at: int


class PartitionScan:
    """Collects what a partition has about one message.

    It judges records as the worker does: the first one with the id is
    the message, later ones by the same sender are duplicates, those by
    the other participant conflicts. Of each further record it keeps
    only the offset, so its memory is bounded by them.

    Attributes:
        origin: The record that made the message.
        receipt: The first confirmation by the recipient, which is the
            one that counts.
        duplicates: Offsets of records that repeat the message.
        refused: Offsets of records about the message that the worker
            refuses, with their append times in `refused_at`.
        next_offset: The offset of the next record to take.
        has_gap: Whether offsets were left out: retention may have taken
            records while it read.
        watermark: The running maximum of append times so far,
            milliseconds since the epoch.
    """

    def __init__(
        self,
        subject: Subject,
        begin: Position,
        committed: Position | None = None,
        winner: Winner | None = None,
    ) -> None:
        """Say what to look for.

        Args:
            subject: The message and its log.
            begin: The first offset to read, and the watermark before
                it, -1 where it is unknown.
            committed: A commit of the group, which knows a watermark.
            winner: What the store knows; None when it has no message.
        """
        self._subject = subject
        self._committed = committed
        self._winner = winner
        self._needle = str(subject.message_id).encode()
        self._key = str(subject.conversation_id).encode()
        self.next_offset = begin.offset
        self.has_gap = False
        self.watermark = begin.watermark
        self.origin: Origin | None = None
        self.receipt: FoundReceipt | None = None
        self.duplicates = array("q")
        self.refused = array("q")
        self.refused_at = array("q")

    @property
    def has_winner(self) -> bool:
        """Whether the message is known, from the store or the log."""
        return self._winner is not None

    def take(self, record: Record) -> None:
        """Look at the next record of the partition.

        Args:
            record: In the order of offsets.
        """
        self.has_gap = self.has_gap or record.offset != self.next_offset
        self.next_offset = record.offset + 1
        if self._committed is not None and record.offset >= self._committed.offset:
            self.watermark = max(self.watermark, self._committed.watermark)
        self.watermark = max(self.watermark, record.timestamp)
        if not may_name(record, self._needle):
            return
        found = validate_record(record, self._subject.partitions)
        if isinstance(found, InvalidRecord):
            if self._is_about_it(found, record):
                self._refuse(record)
        elif names(found, self._subject):
            if isinstance(found, NewMessage):
                self._take_message(found, record)
            else:
                self._take_receipt(found, record)

    def _take_message(self, event: NewMessage, record: Record) -> None:
        """Judge a record of a message with the id."""
        known = self._winner
        if self.origin is None and (known is None or known.offset == record.offset):
            self.origin = Origin(event, record, self.watermark)
            # The log is the truth: a row may be damaged.
            self._winner = Winner(record.offset, event.sender_id, event.recipient_id)
        elif known is not None and event.sender_id == known.sender_id:
            self.duplicates.append(record.offset)
        else:
            self._refuse(record)

    def _take_receipt(self, event: MessagesDelivered, record: Record) -> None:
        """Judge a receipt for the id, which may come too early."""
        if self._winner is None or not self._winner.is_recipient(event.recipient_id):
            self._refuse(record)
            return
        self.receipt = self.receipt or FoundReceipt(record.offset, self.watermark)

    def _refuse(self, record: Record) -> None:
        """Note a record that the worker makes a dead letter."""
        self.refused.append(record.offset)
        self.refused_at.append(record.timestamp)

    def _is_about_it(self, invalid: InvalidRecord, record: Record) -> bool:
        """Return whether an invalid record meant this message."""
        if invalid.event is None:
            return record.key == self._key
        return names(invalid.event, self._subject)


def may_name(record: Record, needle: bytes) -> bool:
    """Return whether a record may name an id, without decoding it.

    Args:
        record: Any record.
        needle: The id's text, in lower case.

    Returns:
        False when it certainly does not.
    """
    value = record.value
    if value is None:
        return False
    # Ids are read in any case, and JSON may escape any character.
    return needle in value.lower() or b"\\u" in value


def names(event: Event, subject: Subject) -> bool:
    """Return whether an event is about a message.

    Args:
        event: Any event.
        subject: The message.

    Returns:
        True for the message itself and for a receipt for it.
    """
    if event.conversation_id != subject.conversation_id:
        return False
    if isinstance(event, NewMessage):
        return event.message_id == subject.message_id
    return subject.message_id in event.message_ids
