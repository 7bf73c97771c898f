"""Reading the log once, and what each of its records asks for."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from uuid import UUID

from angarium.domain.events import Event, NewMessage
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.message_log import BEGINNING, Position, Record
from angarium.services.audit.external_sort import ExternalSorter
from angarium.services.audit.facts import (
    MessageRecord,
    ReceiptRecord,
    digest_of,
    pack_message_record,
    pack_receipt,
)
from angarium.services.audit.findings import Finding, FindingKind, Findings
from angarium.services.outage_retry import OutageRetry
from angarium.services.record_validation import InvalidRecord, validate_record

RECORDS_PER_READ = 1_000
"""Records of one read, unless their values make it end sooner."""

OUTCOMES = frozenset({"message_id_conflict", "unknown_message", "not_recipient"})
"""Reasons that follow from what was stored when a record was applied.
A record with any other reason was not applied at all.
"""

_LETTER = struct.Struct(">IqB")


class DeadLetterLookup:
    """Dead letters by the position of their record.

    Used by one thread, which asks in the order of positions.

    Attributes:
        kept_since: Milliseconds since the epoch. The dead letters of
            records appended since then were never removed.
    """

    def __init__(self) -> None:
        """Start without any."""
        self.kept_since = 0
        self._sorter = ExternalSorter(_LETTER.size)
        self._ahead: Iterator[bytes] = iter(())
        self._next: tuple[int, int, int] | None = None

    def read(self, dead_letters: DeadLetterInspector, retry: OutageRetry) -> None:
        """Read all of them; those that come later are not in it.

        Args:
            dead_letters: What is read.
            retry: Repeats the whole walk through an outage.

        Raises:
            LogUnavailable: An outage was too long.
        """

        def walk() -> None:
            """Take them all; some twice, when it is repeated."""
            for letter in dead_letters.walk():
                applied = letter.reason in OUTCOMES
                self._sorter.add(_LETTER.pack(letter.partition, letter.offset, applied))

        retry(walk)
        # Asked after the walk, so that what is removed meanwhile counts
        # as removed.
        self.kept_since = retry(dead_letters.kept_since)
        self._ahead = self._sorter.read_sorted()
        self._advance()

    def look_up(self, record: Record) -> tuple[bool, bool]:
        """Say what the dead letters say about a record.

        Args:
            record: Not before the one that was asked about last.

        Returns:
            Whether it was not applied for a reason of its own; and
            whether it has no letter, although one would be kept.
        """
        position = (record.partition, record.offset)
        while self._next is not None and self._next[:2] < position:
            self._advance()
        skipped = found = False
        while self._next is not None and self._next[:2] == position:
            found = True
            skipped = skipped or not self._next[2]
            self._advance()
        # A record that cannot be decoded may have no time: -1.
        return skipped, not found and max(0, record.timestamp) >= self.kept_since

    def close(self) -> None:
        """Forget them all; safe to repeat."""
        self._ahead = iter(())
        self._sorter.close()

    def _advance(self) -> None:
        """Take the next letter."""
        packed = next(self._ahead, None)
        self._next = None if packed is None else _LETTER.unpack(packed)


class LogScan:
    """Reads the log once, partition by partition; used by one thread.

    Attributes:
        records: How many committed records were looked at.
        waiting: How many others were looked at.
        done: How many records were read.
    """

    def __init__(
        self,
        log: LogInspector,
        letters: DeadLetterLookup,
        retry: OutageRetry,
        findings: Findings,
        progress: Callable[["LogScan"], None],
    ) -> None:
        """Start before the first record.

        Args:
            log: What is read.
            letters: The dead letters.
            retry: Repeats reads through an outage.
            findings: Takes the records that lack a dead letter.
            progress: Called after each read.
        """
        self._log = log
        self._letters = letters
        self._retry = retry
        self._findings = findings
        self._progress = progress
        self.records = 0
        self.waiting = 0
        self.done = 0

    def read(
        self,
        ends: Sequence[int],
        committed: Mapping[int, Position],
        conversation_id: UUID | None,
        only: Sequence[int],
        into: ExternalSorter,
    ) -> None:
        """Read partitions, each up to an end.

        Args:
            ends: By partition, the offset after the last record.
            committed: By partition, up to where the group was.
            conversation_id: Keep only what is about this one; None
                keeps all.
            only: Which partitions, ascending.
            into: Takes the facts.

        Raises:
            LogUnavailable: An outage was too long.
        """
        for partition in only:
            watermark = -1
            applied_to = committed.get(partition, BEGINNING).offset
            for record in self._records(partition, ends[partition]):
                watermark = max(watermark, record.timestamp)
                event = validate_record(record, len(ends))
                if conversation_id is not None and not _is_about(conversation_id, record, event):
                    continue
                is_committed = record.offset < applied_to
                self.records += is_committed
                self.waiting += not is_committed
                skipped, letter_missing = self._letters.look_up(record)
                if not isinstance(event, InvalidRecord):
                    for fact in _facts(event, record.offset, watermark, skipped, letter_missing):
                        into.add(fact)
                elif is_committed and letter_missing:
                    self._findings.add(_unburied_finding(record, event.event))

    def _records(self, partition: int, end: int) -> Iterator[Record]:
        """Read a partition from its first record on."""
        offset = 0
        while offset < end:
            page = self._retry(partial(self._log.read, partition, offset, RECORDS_PER_READ))
            if not page:
                return
            for record in page:
                if record.offset >= end:
                    return
                yield record
                self.done += 1
            offset = page[-1].offset + 1
            self._progress(self)


def _is_about(conversation_id: UUID, record: Record, event: Event | InvalidRecord) -> bool:
    """Say whether a record is about a conversation."""
    if isinstance(event, InvalidRecord):
        return record.key == str(conversation_id).encode() or (
            event.event is not None and event.event.conversation_id == conversation_id
        )
    return event.conversation_id == conversation_id


def _facts(
    event: Event, offset: int, watermark: int, skipped: bool, letter_missing: bool
) -> Iterator[bytes]:
    """Yield what an event says about each of its messages."""
    if isinstance(event, NewMessage):
        yield pack_message_record(
            event.conversation_id,
            event.message_id,
            MessageRecord(
                offset,
                watermark,
                event.sender_id.bytes,
                event.recipient_id.bytes,
                digest_of(event.content),
                skipped,
                letter_missing,
            ),
        )
        return
    receipt = ReceiptRecord(offset, watermark, event.recipient_id.bytes, skipped, letter_missing)
    for message_id in event.message_ids:
        yield pack_receipt(event.conversation_id, message_id, receipt)


def _unburied_finding(record: Record, event: Event | None) -> Finding:
    """Name a record that has no dead letter."""
    if event is None:
        ids: tuple[UUID | None, UUID | None] = (None, None)
    elif isinstance(event, NewMessage):
        ids = (event.conversation_id, event.message_id)
    else:
        ids = (event.conversation_id, event.message_ids[0])
    return Finding(FindingKind.UNBURIED, *ids, record.partition, record.offset)
