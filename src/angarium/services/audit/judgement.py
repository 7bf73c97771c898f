"""What the log asks for, compared with what is stored, for one message.

All of it follows from the rules by which the worker applies a log
(docs/adr/0003, docs/adr/0012). What the worker may do or not, because
the record is not committed yet, is never held against the store
(docs/adr/0026).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from angarium.services.audit.facts import (
    MessageFacts,
    MessageRecord,
    MessageRow,
    ReceiptRecord,
)
from angarium.services.audit.findings import FindingKind
from angarium.services.audit.log_range import LogRange


class Fault(NamedTuple):
    """What is wrong with one message.

    Attributes:
        kind: What is wrong.
        offset: The offset of a record, or of a row without one.
    """

    kind: FindingKind
    offset: int


class Verdict(NamedTuple):
    """What came out for one message id.

    Attributes:
        faults: Everything that is wrong.
        is_due: Whether a committed record asks to store the message.
        stored: The record that is stored where it should be, and its
            row; None without one.
        is_older: Whether it is stored and from before the log's range,
            so that no record can tell what its text was.
    """

    faults: frozenset[Fault]
    is_due: bool = False
    stored: tuple[MessageRecord, MessageRow] | None = None
    is_older: bool = False


def judge(about: MessageFacts, log: LogRange) -> Verdict:
    """Compare all that is known about one message.

    Args:
        about: From the log's range, and from the store.
        log: The range of the message's partition.

    Returns:
        What is wrong; nothing in a sound service.
    """
    about = _within(about, log)
    candidates = _candidates(about.records)
    stored = _find_stored(candidates, about.rows, log)
    if stored is None and _is_from_before(about, log):
        faults = frozenset(_judge_from_before(about, log))
        return Verdict(faults, is_older=bool(about.rows))
    if not candidates:
        return Verdict(frozenset(_judge_without_record(about, log)))
    is_due = not candidates[-1].skipped and candidates[-1].offset < log.committed
    faults = frozenset(_judge_with_record(about, log, candidates, stored, is_due))
    return Verdict(faults, is_due, stored)


def _within(about: MessageFacts, log: LogRange) -> MessageFacts:
    """Leave out records that retention took while they were read."""
    if log.first == 0:
        return about
    return about._replace(
        records=[each for each in about.records if each.offset >= log.first],
        receipts=[each for each in about.receipts if each.offset >= log.first],
    )


def _candidates(records: Sequence[MessageRecord]) -> Sequence[MessageRecord]:
    """Return the records of which one is stored: the first, mostly.

    One that was skipped may have been applied by a later replay; the
    next one is stored if it was not.
    """
    for count, record in enumerate(records, 1):
        if not record.skipped:
            return records[:count]
    return records


def _find_stored(
    candidates: Sequence[MessageRecord], rows: Sequence[MessageRow], log: LogRange
) -> tuple[MessageRecord, MessageRow] | None:
    """Find a row that is where a candidate puts it."""
    for record in candidates:
        for row in rows:
            if row.position.offset == record.offset and log.allows(
                row.position.timestamp, record.watermark
            ):
                return record, row
    return None


def _is_from_before(about: MessageFacts, log: LogRange) -> bool:
    """Say whether the first record of an id was before the range."""
    if about.indexed:
        return log.is_before(about.indexed[0].position)
    return any(log.is_before(row.position) for row in about.rows)


def _judge_without_record(about: MessageFacts, log: LogRange) -> Iterator[Fault]:
    """Judge what no record asks to store."""
    for each in about.rows or about.indexed:
        yield Fault(FindingKind.UNEXPLAINED, each.position.offset)
    if not about.rows and not about.indexed:
        # The API lets no receipt into the log for a message that is not
        # there. So one whose record may be from before the range was
        # lost since; without such a time, its dead letter was.
        kind = FindingKind.UNBURIED if log.is_whole else FindingKind.MISSING
        for receipt in about.receipts:
            if _lacks_letter(receipt, log):
                yield Fault(kind, receipt.offset)


def _judge_with_record(
    about: MessageFacts,
    log: LogRange,
    candidates: Sequence[MessageRecord],
    stored: tuple[MessageRecord, MessageRow] | None,
    is_due: bool,
) -> Iterator[Fault]:
    """Judge what records of the range ask to store."""
    record, row = stored or _closest(candidates, about.rows)
    if row is None:
        if is_due:
            yield Fault(FindingKind.MISSING, record.offset)
        elif about.indexed and not _is_expected(about, candidates, log):
            yield Fault(FindingKind.MISPLACED, record.offset)
    else:
        if stored is None:
            yield Fault(FindingKind.MISPLACED, record.offset)
        yield from _judge_row(about, log, record, row)
        yield from _find_doubled(about, row)
    if row is not None or about.indexed or is_due:
        yield from _conflicts(about, log, record.sender, record.offset)
        yield from _receipts_in_vain(about, log, record, row)
    else:
        yield from _receipts_without_message(about, log)


def _closest(
    candidates: Sequence[MessageRecord], rows: Sequence[MessageRow]
) -> tuple[MessageRecord, MessageRow | None]:
    """Choose which row is meant, of those that are elsewhere."""
    for record in candidates:
        for row in rows:
            if row.digest == record.digest:
                return record, row
    return candidates[-1], (rows[0] if rows else None)


def _is_expected(about: MessageFacts, candidates: Sequence[MessageRecord], log: LogRange) -> bool:
    """Say whether an index row is one that a candidate writes."""
    indexed = about.indexed[0]
    return any(
        indexed.position.offset == record.offset
        and indexed.sender == record.sender
        and log.allows(indexed.position.timestamp, record.watermark)
        for record in candidates
    )


def _judge_row(
    about: MessageFacts, log: LogRange, record: MessageRecord, row: MessageRow
) -> Iterator[Fault]:
    """Compare a row, and its row in the index, with its record."""
    if row[1:4] != (record.sender, record.recipient, record.digest):
        yield Fault(FindingKind.ALTERED, record.offset)
    if about.indexed:
        indexed = about.indexed[0]
        if indexed.position != row.position:
            yield Fault(FindingKind.MISPLACED, record.offset)
        if indexed.sender != record.sender:
            yield Fault(FindingKind.ALTERED, record.offset)
    elif record.offset < log.committed:
        yield Fault(FindingKind.MISSING, record.offset)
    if row.recipient == record.recipient:
        yield from _judge_status(about.receipts, log, record, row)


def _judge_status(
    receipts: Sequence[ReceiptRecord], log: LogRange, record: MessageRecord, row: MessageRow
) -> Iterator[Fault]:
    """Compare a status with the receipts that may have made it."""
    valid = [each for each in receipts if each.recipient == record.recipient]
    first = _first_in_force(valid, record.offset)
    if not row.delivered:
        if row.delivered_at is not None:
            yield Fault(FindingKind.ALTERED, record.offset)
        if first is not None and first.offset < log.committed:
            yield Fault(FindingKind.UNDELIVERED, first.offset)
        return
    # A receipt before its message is in force only if it was replayed
    # after it, and one that was skipped likewise.
    possible = [each for each in valid if first is None or each.offset <= first.offset]
    times = {_receipt_time(each, log, row) for each in possible}
    if row.delivered_at not in times and not _is_from_replay(log, row):
        yield Fault(FindingKind.ALTERED, record.offset)


def _is_from_replay(log: LogRange, row: MessageRow) -> bool:
    """Say whether a receipt from before the range may have counted.

    It was in the log before its message, and was replayed after it.

    Returns:
        Whether the time of delivery is early enough.
    """
    latest = log.floor if log.is_exact else row.position.timestamp
    return not log.is_whole and row.delivered_at is not None and row.delivered_at <= latest


def _first_in_force(valid: Sequence[ReceiptRecord], after: int) -> ReceiptRecord | None:
    """Return the first receipt that is applied without a replay."""
    for receipt in valid:
        if receipt.offset > after and not receipt.skipped:
            return receipt
    return None


def _receipt_time(receipt: ReceiptRecord, log: LogRange, row: MessageRow) -> int:
    """Return the time of delivery that a receipt gives."""
    time = log.time(receipt.watermark)
    # It is not before its message; if the watermark before the range is
    # not known, the message has it.
    return time if log.is_exact else max(time, row.position.timestamp)


def _find_doubled(about: MessageFacts, home: MessageRow) -> Iterator[Fault]:
    """Name the rows of an id besides the one that is meant."""
    for row in about.rows:
        if row is not home:
            yield Fault(FindingKind.DOUBLED, row.position.offset)


def _conflicts(about: MessageFacts, log: LogRange, sender: bytes, after: int) -> Iterator[Fault]:
    """Name records of the other participant without a dead letter."""
    for record in about.records:
        if record.offset > after and record.sender != sender and _lacks_letter(record, log):
            yield Fault(FindingKind.UNBURIED, record.offset)


def _receipts_in_vain(
    about: MessageFacts, log: LogRange, record: MessageRecord, row: MessageRow | None
) -> Iterator[Fault]:
    """Name receipts that cannot count and have no dead letter."""
    for receipt in about.receipts:
        counts = receipt.recipient == record.recipient and (
            receipt.offset > record.offset
            # It had none the second time, if the message was there.
            or row is None
            or row.delivered
        )
        if not counts and _lacks_letter(receipt, log):
            yield Fault(FindingKind.UNBURIED, receipt.offset)


def _receipts_without_message(about: MessageFacts, log: LogRange) -> Iterator[Fault]:
    """Name receipts for what was not stored when they were applied."""
    for receipt in about.receipts:
        if _lacks_letter(receipt, log):
            yield Fault(FindingKind.UNBURIED, receipt.offset)


def _judge_from_before(about: MessageFacts, log: LogRange) -> Iterator[Fault]:
    """Judge a message whose record is not in the range any more.

    Its text cannot be compared, but its rows with each other, and what
    the range says about it.

    Yields:
        What is wrong.
    """
    indexed = about.indexed[0] if about.indexed else None
    row = _row_from_before(about)
    if row is None or indexed is None:
        there = indexed or row
        # Its record may have come, and gone, while the store was read.
        if there is not None and log.is_settled(there.position):
            yield Fault(FindingKind.MISSING, there.position.offset)
    elif row.position != indexed.position:
        yield Fault(FindingKind.MISPLACED, indexed.position.offset)
    elif row.sender != indexed.sender:
        yield Fault(FindingKind.ALTERED, row.position.offset)
    if row is not None:
        yield from _find_doubled(about, row)
        yield from _judge_status_from_before(about.receipts, log, row)
    stored = row or indexed
    if stored is not None:
        yield from _conflicts(about, log, stored.sender, log.first - 1)


def _row_from_before(about: MessageFacts) -> MessageRow | None:
    """Choose which row is meant: where the index says, or the first."""
    for indexed in about.indexed:
        for row in about.rows:
            if row.position == indexed.position:
                return row
    return about.rows[0] if about.rows else None


def _judge_status_from_before(
    receipts: Sequence[ReceiptRecord], log: LogRange, row: MessageRow
) -> Iterator[Fault]:
    """Compare a status with the receipts that are in the range.

    An earlier receipt may have been the first.

    Yields:
        What is wrong.
    """
    if row.delivered != (row.delivered_at is not None):
        yield Fault(FindingKind.ALTERED, row.position.offset)
    valid = [each for each in receipts if each.recipient == row.recipient]
    first = _first_in_force(valid, log.first - 1)
    if first is not None and not row.delivered and first.offset < log.committed:
        yield Fault(FindingKind.UNDELIVERED, first.offset)
    for receipt in receipts:
        if receipt.recipient != row.recipient and _lacks_letter(receipt, log):
            yield Fault(FindingKind.UNBURIED, receipt.offset)


def _lacks_letter(record: MessageRecord | ReceiptRecord, log: LogRange) -> bool:
    """Say whether a committed record misses a dead letter it needs."""
    return record.letter_missing and record.offset < log.committed
