"""Makes the journey from what log and store say.

A part that is not there gets the reason. What should be there and is
not is damage: `angarium audit` looks for all of it.
"""

from collections.abc import Sequence

from angarium.domain.events import stored_message
from angarium.domain.message import Message, MessagePosition, Status
from angarium.ports.message_log import Record
from angarium.ports.store_inspection import NO_ID
from angarium.services.record_validation import MAX_TRACE_ID
from angarium.services.trace.findings import (
    Findings,
    LogFindings,
    LogView,
    StoreView,
    Surroundings,
)
from angarium.services.trace.journey import (
    Accepted,
    Applied,
    Delivered,
    Journey,
    LogRecord,
    Missing,
    RecordPosition,
    RecordState,
    Sent,
    Stored,
    Subject,
)
from angarium.services.trace.partition_scan import Origin

NO_LOG = Missing("unknown: the log does not answer")
NO_STORE = Missing("unknown: the store does not answer")

_GONE = {
    RecordState.EXPIRED: "unknown: its record is not in the log any more",
    RecordState.IMPORTED: "unknown: its record is in the log that it was exported from",
    RecordState.LOST: "unknown: its record is not in the log",
}


def assemble(findings: Findings, surroundings: Surroundings | None) -> Journey:
    """Put the parts of the journey together.

    Args:
        findings: What log and store say.
        surroundings: Names and nodes; None when the store does not
            answer.

    Returns:
        The journey.
    """
    log = findings.log
    record, message = _record(findings), _message(findings, surroundings)
    return Journey(
        message=message,
        accepted=_accepted(findings, record),
        record=record,
        applied=NO_LOG if log is None else _applied(log.view),
        stored=_stored(findings, surroundings),
        delivered=_delivered(findings, message),
        duplicates=None if log is None else log.scan.duplicates,
        refusals=() if log is None else log.refusals.found,
        # Without its row nobody knows whose the message is, and so
        # which records were refused.
        damage=() if log is None or findings.store is None else _unburied(findings.subject, log),
        unavailable=findings.unavailable,
    )


def _message(findings: Findings, surroundings: Surroundings | None) -> Sent | Missing:
    """Take the message from its row, or else from its record."""
    row, origin = findings.row, findings.origin
    if row is not None:
        message = row
    elif origin is not None:
        message = _from_record(origin)
    elif findings.store is None:
        return NO_STORE
    elif findings.log is not None and findings.log.scan.refused:
        return Missing("unknown: only refused records have its id")
    else:
        return Missing("unknown: neither its row nor its record is there")
    names = {} if surroundings is None else surroundings.names
    people = findings.people or (message.sender_id, message.recipient_id)
    sender, recipient = (names.get(each, str(each)) for each in people)
    return Sent(message, row is not None, sender, recipient)


def _from_record(origin: Origin) -> Message:
    """Return the message that the worker stores."""
    return stored_message(origin.event, origin.watermark, origin.record.offset)


def _record(findings: Findings) -> LogRecord | Missing:
    """Say where the message's record is, or was."""
    log, store, origin = findings.log, findings.store, findings.origin
    if log is None:
        return NO_LOG
    partition = log.view.partition
    if origin is not None:
        row = findings.row
        watermark = origin.watermark if row is None else row.position.timestamp
        position = RecordPosition(partition, origin.record.offset)
        return LogRecord(position, RecordState.PRESENT, _size(origin.record), watermark)
    stored_at = None if store is None else store.position
    if store is None or stored_at is None:
        return Missing("the log has no valid record of it")
    state = store.record_state(log.view)
    if state is None or state is RecordState.PRESENT:
        # The partition reaches over its offset, and has it not.
        state = RecordState.LOST
    position = RecordPosition(partition, stored_at.offset)
    return LogRecord(position, state, None, stored_at.timestamp)


def _size(record: Record) -> int:
    """Return the bytes of a record: key, value and headers."""
    headers = sum(len(name) + len(value or b"") for name, value in record.headers.items())
    return len(record.key or b"") + len(record.value or b"") + headers


def _accepted(findings: Findings, record: LogRecord | Missing) -> Accepted | Missing:
    """Say when the API had its 202, as its record has it."""
    origin = findings.origin
    if origin is not None:
        headers = origin.record.headers
        return Accepted(
            origin.record.timestamp,
            _header(headers.get("instance")),
            _header(headers.get("trace_id")),
        )
    return record if isinstance(record, Missing) else Missing(_GONE[record.state])


def _header(value: bytes | None) -> str | None:
    """Read a header that any producer may have written."""
    return value[:MAX_TRACE_ID].decode("utf-8", "replace") if value else None


def _applied(view: LogView) -> Applied:
    """Say how far the group is."""
    committed = None if view.committed is None else view.committed.offset
    return Applied(view.partition, committed, view.end, view.lag, view.owner)


def _stored(findings: Findings, surroundings: Surroundings | None) -> Stored | Missing:
    """Say how the message is stored, or why it is not."""
    store = findings.store
    if store is None:
        return NO_STORE
    row = store.row
    if row is None:
        return Missing(_why_not_stored(findings, store))
    agrees = store.index is not None and store.index.position == row.position
    return Stored(
        row.position,
        row.status,
        agrees,
        () if surroundings is None else surroundings.replicas,
        tuple(_damage_of_rows(findings, store, row, surroundings)),
    )


def _damage_of_rows(
    findings: Findings, store: StoreView, row: Message, surroundings: Surroundings | None
) -> Sequence[str]:
    """Name what is wrong with the rows of a stored message."""
    damage: list[str] = []
    log = findings.log
    if store.index is None and _is_being_stored(store, log):
        return ["the worker has not written its index row yet"]
    if store.index is None:
        damage.append("it has no index row, so nobody finds it by its id")
    elif store.index.position != row.position:
        at = store.index.position
        damage.append(f"the index has it at ({at.timestamp}, {at.offset}), where no row is")
    damage += [
        f"another row has its id, at ({each.position.timestamp}, {each.position.offset})"
        for each in store.rows
        if each.position != row.position
    ]
    if NO_ID in {row.sender_id, row.recipient_id} or not row.content:
        damage.append("its row is incomplete")
    elif (origin := findings.origin) is not None and _written(row) != _written(
        _from_record(origin)
    ):
        damage.append("its row says something else than its record")
    if damage:
        damage[-1] += _audit(findings.subject)
    if surroundings is not None and not surroundings.has_conversation:
        damage.append(
            "its conversation is not stored, so readers get 404 until somebody opens it again"
        )
    return damage


def _written(message: Message) -> Message:
    """Return what sender and log have made of a message."""
    return message._replace(
        position=MessagePosition(0, 0), status=Status.PENDING, delivered_at=None
    )


def _is_being_stored(store: StoreView, log: LogFindings | None) -> bool:
    """Say whether the record of what is stored is not committed yet.

    Until then, of a message and its index row either may be seen first.

    Args:
        store: Has one of the two rows.
        log: What the log says; without it, nothing is known.

    Returns:
        True when the worker may still be writing the other row.
    """
    if log is None or store.position is None:
        return False
    if store.record_state(log.view) in {RecordState.IMPORTED, RecordState.EXPIRED}:
        # No worker wrote it, or one did long ago.
        return False
    return store.position.offset >= log.view.processed


def _why_not_stored(findings: Findings, store: StoreView) -> str:
    """Return why a message has no row."""
    subject, log, origin = findings.subject, findings.log, findings.origin
    if store.index is not None and not _is_being_stored(store, log):
        at = store.index.position
        return f"not stored, though the index has it at ({at.timestamp}, {at.offset})" + _audit(
            subject
        )
    if log is None:
        return "not stored"
    if origin is None:
        refused = log.scan.refused
        if len(refused) and refused[0] >= log.view.processed and not log.refusals.found:
            return f"not stored: {_behind(subject, log.view)}, and will refuse its record"
        return "not stored: the worker refused its record"
    offsets = (origin.record.offset, *log.scan.duplicates)
    expected = next((each for each in offsets if each not in log.refusals.offsets), None)
    if expected is None:
        return "not stored: the worker refused its record"
    if expected < log.view.processed:
        return "not stored, though the group is past its record" + _audit(subject)
    return f"not stored yet: {_behind(subject, log.view)}"


def _behind(subject: Subject, view: LogView) -> str:
    """Say how far the group is behind, and that nobody works on it."""
    records = "record" if view.lag == 1 else "records"
    text = f"the group is {view.lag:,} {records} behind"
    if view.owner is None:
        text += f", and nobody owns {subject.topic}[{view.partition}]"
    return text


def _audit(subject: Subject) -> str:
    """Return what to do about damage."""
    return f"; see `angarium audit --conversation {subject.conversation_id}`"


def _delivered(findings: Findings, sent: Sent | Missing) -> Delivered | Missing:
    """Say when the recipient confirmed it, or why it is not there."""
    row, log = findings.row, findings.log
    if row is None:
        return NO_STORE if findings.store is None else Missing(_why_unstored(findings))
    if row.status is not Status.DELIVERED:
        recipient = "the recipient" if isinstance(sent, Missing) else sent.recipient
        return Missing(_why_not_delivered(findings.subject, log, recipient))
    if row.delivered_at is None:
        return Missing("unknown: its row has no time of delivery" + _audit(findings.subject))
    if log is None:
        return Delivered(row.delivered_at, NO_LOG)
    receipt = log.scan.receipt
    if receipt is not None and receipt.delivered_at == row.delivered_at:
        position = RecordPosition(log.view.partition, receipt.offset)
        return Delivered(row.delivered_at, position)
    return Delivered(row.delivered_at, Missing(_why_no_receipt(findings, row.delivered_at)))


def _why_unstored(findings: Findings) -> str:
    """Return why a message without a row is not DELIVERED."""
    receipt = None if findings.log is None else findings.log.scan.receipt
    if receipt is None:
        return "not delivered: it is not stored"
    return f"not delivered: receipt {findings.subject.at(receipt.offset)}, but it is not stored"


def _why_not_delivered(subject: Subject, log: LogFindings | None, recipient: str) -> str:
    """Return why a stored message is not DELIVERED."""
    receipt = None if log is None else log.scan.receipt
    if log is None or receipt is None:
        return f"not delivered yet: {recipient} has not confirmed it"
    place = subject.at(receipt.offset)
    if receipt.offset in log.refusals.offsets:
        return f"not delivered: the worker refused the receipt {place}"
    if receipt.offset < log.view.processed:
        return f"not delivered, though the group is past the receipt {place}" + _audit(subject)
    return f"not delivered yet: receipt {place}, {_behind(subject, log.view)}"


def _why_no_receipt(findings: Findings, delivered_at: int) -> str:
    """Return why the log has no receipt of a DELIVERED message."""
    store, log = findings.store, findings.log
    if log is None or store is None:
        return NO_LOG.reason
    if log.scan.has_gap or (findings.origin is None and _may_be_gone(store, log, delivered_at)):
        return "its receipt is not in the log any more"
    if store.position is not None and delivered_at <= store.position.timestamp:
        # It was refused at first; a replay has found the message.
        return "its receipt came before the message"
    if log.scan.receipt is not None and log.scan.receipt.offset in log.refusals.offsets:
        return "the first receipt was refused, a later one has counted"
    return "no receipt in the log says so" + _audit(findings.subject)


def _may_be_gone(store: StoreView, log: LogFindings, delivered_at: int) -> bool:
    """Return whether a receipt may be before the log's first record."""
    start = store.start
    return start is None or log.view.first > start.offset or delivered_at <= start.watermark


def _unburied(subject: Subject, log: LogFindings) -> Sequence[str]:
    """Name refused records that have no dead letter, up to a few."""
    refusals, scan = log.refusals, log.scan
    if refusals.kept_since is None:
        return ()
    lacking = [
        offset
        for offset, at in zip(scan.refused, scan.refused_at, strict=True)
        if offset < log.view.processed
        and max(0, at) >= refusals.kept_since
        and offset not in refusals.offsets
    ]
    return [
        f"{subject.at(offset)} was refused and has no dead letter" + _audit(subject)
        for offset in lacking[:MAX_LINES]
    ]


MAX_LINES = 5
"""As many lines about one kind of damage as a person reads."""
