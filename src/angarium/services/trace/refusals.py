"""The dead letters about one message."""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from angarium.ports.log_inspection import BuriedRecord
from angarium.ports.message_log import Record
from angarium.services.record_validation import InvalidRecord, validate_record
from angarium.services.trace.journey import RecordPosition, Refusal, Subject
from angarium.services.trace.partition_scan import PartitionScan, may_name, names

MAX_REFUSALS = 100
"""As many are kept; a client that repeats a refused message makes one
each time.
"""

MAX_ELSEWHERE = 1_000
"""As many records of other partitions are looked at for a message that
is not in its own, the newest ones.
"""

_OF_RECEIPTS = frozenset({"unknown_message", "not_recipient"})
_WITH_ITS_ID = _OF_RECEIPTS | {"message_id_conflict"}
"""Reasons whose detail names the message."""

ReadRecord = Callable[[int, int], Record | None]
"""Reads the record at a partition and offset; None when it is gone."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was found.

    Attributes:
        found: At most MAX_REFUSALS; those of messages come first, then
            those of receipts, each in the order of the log.
        offsets: Of all records of the message's own partition that have
            one.
        kept_since: Since then none was removed, milliseconds since the
            epoch; None when not all could be read.
    """

    found: tuple[Refusal, ...] = ()
    offsets: frozenset[int] = field(default=frozenset())
    kept_since: int | None = None


def find_refusals(
    letters: Iterable[BuriedRecord],
    scan: PartitionScan,
    subject: Subject,
    read: ReadRecord,
    kept_since: int,
) -> Refusals:
    """Find the dead letters of records that name a message.

    Args:
        letters: All dead letters.
        scan: What the message's partition has.
        subject: The message.
        read: Reads the record of a dead letter that the scan did not
            pass.
        kept_since: Since when no dead letter was removed.

    Returns:
        Those about the message.
    """
    collected = _Collected(subject)
    elsewhere: deque[BuriedRecord] = deque(maxlen=MAX_ELSEWHERE)
    own_text = str(subject.message_id)
    for letter in letters:
        is_ours = letter.partition == subject.partition
        if is_ours and _is_refused(scan, letter):
            collected.add(letter)
        elif own_text in letter.detail:
            record = read(letter.partition, letter.offset)
            is_about_it = is_ours if record is None else _names_it(record, subject)
            if is_about_it:
                collected.add(letter)
        elif not (is_ours or scan.has_winner or letter.reason in _WITH_ITS_ID):
            elsewhere.append(letter)
    for letter in elsewhere:
        record = read(letter.partition, letter.offset)
        if record is not None and _names_it(record, subject):
            collected.add(letter)
    return collected.refusals(kept_since)


class _Collected:
    """Dead letters about the message, each record once."""

    def __init__(self, subject: Subject) -> None:
        """Begin without any."""
        self._partition = subject.partition
        self._found: dict[RecordPosition, Refusal] = {}
        self._offsets: set[int] = set()

    def add(self, letter: BuriedRecord) -> None:
        """Keep a dead letter, of too many only its offset."""
        position = RecordPosition(letter.partition, letter.offset)
        if letter.partition == self._partition:
            self._offsets.add(letter.offset)
        if len(self._found) < MAX_REFUSALS:
            self._found[position] = Refusal(letter.reason, letter.detail, position)

    def refusals(self, kept_since: int) -> Refusals:
        """Return all, those of messages first."""
        in_order = sorted(
            self._found.values(), key=lambda each: (each.reason in _OF_RECEIPTS, each.position)
        )
        return Refusals(tuple(in_order), frozenset(self._offsets), kept_since)


def _names_it(record: Record, subject: Subject) -> bool:
    """Return whether a refused record was about the message."""
    if not may_name(record, str(subject.message_id).encode()):
        return False
    found = validate_record(record, subject.partitions)
    event = found.event if isinstance(found, InvalidRecord) else found
    if event is not None:
        return names(event, subject)
    return record.key == str(subject.conversation_id).encode()


def _is_refused(scan: PartitionScan, letter: BuriedRecord) -> bool:
    """Return whether the scan has found the record of a dead letter.

    A record that is valid today may have been refused by a worker of an
    earlier version, which could not read it.
    """
    if _contains(scan.refused, letter.offset):
        return True
    if letter.reason in _WITH_ITS_ID:
        return False
    origin, receipt = scan.origin, scan.receipt
    return (
        (origin is not None and origin.record.offset == letter.offset)
        or (receipt is not None and receipt.offset == letter.offset)
        or _contains(scan.duplicates, letter.offset)
    )


def _contains(ascending: Sequence[int], offset: int) -> bool:
    """Return whether ascending offsets have one."""
    index = bisect_left(ascending, offset)
    return index < len(ascending) and ascending[index] == offset
