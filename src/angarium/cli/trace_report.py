"""The journey of a message as a table for people, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angarium.api.json_codec import message_text
from angarium.cli.text import escape_unprintable
from angarium.domain.timestamps import rfc3339
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

MAX_POSITIONS = 10
"""As many duplicates as a person reads; `--json` lists all."""

NOT_STORED = "ACCEPTED"
"""The status of a message that the store does not have, as in the 202.
"""

_STATES = {
    RecordState.EXPIRED: ", before the log's beginning (retention, or an import)",
    RecordState.LOST: ", where the log has no record of it",
}


@dataclass(frozen=True, slots=True)
class TraceReport:
    """Shows a journey.

    Attributes:
        subject: The message and its log.
        group: The workers' group.
        journey: What is known.
    """

    subject: Subject
    group: str
    journey: Journey

    def lines(self) -> Iterator[str]:
        """Format the journey for a person.

        Yields:
            Lines; what others have written is escaped.
        """
        for label, text in self._rows():
            yield escape_unprintable(f"{label:<11}{text}")

    def json(self) -> str:
        """Format the journey for a program.

        Returns:
            One JSON object.
        """
        journey = self.journey
        refusal = journey.refusals[0] if journey.refusals else None
        return json.dumps(
            {
                "message": _message_fields(journey.message),
                "accepted": _accepted_fields(journey.accepted),
                "log": self._log_fields(journey.record),
                "applied": self._applied_fields(journey.applied),
                "stored": _stored_fields(journey.stored),
                "delivered": _delivered_fields(journey.delivered),
                "duplicates": self._duplicates_fields(),
                "dead_letter": refusal
                and {
                    "reason": refusal.reason,
                    "detail": refusal.detail,
                    **_position_fields(refusal.position),
                },
            },
            ensure_ascii=False,
        )

    def _rows(self) -> Iterator[tuple[str, str]]:
        """Yield label and text of each line."""
        journey = self.journey
        yield "message", f"{self.subject.message_id}  {_message_words(journey.message)}"
        yield "accepted", _accepted_words(journey.accepted)
        yield "log", self._log_words(journey.record)
        yield "applied", self._applied_words(journey.applied)
        yield "stored", _stored_words(journey.stored)
        if isinstance(journey.stored, Stored):
            yield from (("", text) for text in journey.stored.damage)
        yield "delivered", self._delivered_words(journey.delivered)
        if journey.duplicates:
            yield "duplicates", self._duplicates_words(journey.duplicates)
        for refusal in journey.refusals[:MAX_POSITIONS]:
            place = self._place(refusal.position)
            yield "refused", f"{place}: {refusal.reason}: {refusal.detail}"
        if len(journey.refusals) > MAX_POSITIONS:
            yield "", f"and {len(journey.refusals) - MAX_POSITIONS} more"
        yield from (("damage", text) for text in journey.damage)

    def _place(self, position: RecordPosition) -> str:
        """Name a record, such as `messages[6]@813`."""
        return f"{self.subject.topic}[{position.partition}]@{position.offset}"

    def _log_words(self, record: LogRecord | Missing) -> str:
        """Say where the record is."""
        if isinstance(record, Missing):
            return record.reason
        watermark = f"watermark {rfc3339(record.watermark)}"
        if record.state is RecordState.IMPORTED:
            # That log may have had other partitions.
            offset = record.position.offset
            return f"offset {offset} of the log that it was exported from, {watermark}"
        size = "" if record.size_bytes is None else f", {record.size_bytes:,} bytes"
        state = _STATES.get(record.state, size)
        return f"{self._place(record.position)}{state}, {watermark}"

    def _log_fields(self, record: LogRecord | Missing) -> dict[str, object] | None:
        """Describe the record."""
        if isinstance(record, Missing):
            return None
        return {
            "topic": self.subject.topic,
            **_position_fields(record.position),
            "bytes": record.size_bytes,
            "expired": record.state in {RecordState.EXPIRED, RecordState.IMPORTED},
        }

    def _applied_words(self, applied: Applied | Missing) -> str:
        """Say how far the group is."""
        if isinstance(applied, Missing):
            return applied.reason
        partition = f"{self.subject.topic}[{applied.partition}]"
        owner = "nobody" if applied.owner is None else applied.owner
        if applied.committed is None:
            at = f"has committed nothing of {applied.end}"
        else:
            at = f"is at {applied.committed} of {applied.end}"
        return f"group {self.group} {at} in {partition}, owned by {owner}"

    def _applied_fields(self, applied: Applied | Missing) -> dict[str, object] | None:
        """Describe how far the group is."""
        if isinstance(applied, Missing):
            return None
        return {
            "group": self.group,
            "committed": applied.committed,
            "end": applied.end,
            "owner": applied.owner,
        }

    def _delivered_words(self, delivered: Delivered | Missing) -> str:
        """Say when it was confirmed, and by which record."""
        if isinstance(delivered, Missing):
            return delivered.reason
        receipt = delivered.receipt
        if isinstance(receipt, Missing):
            words = receipt.reason
        else:
            words = f"receipt {self._place(receipt)}"
        return f"{rfc3339(delivered.at)}  {words}"

    def _duplicates_words(self, offsets: Sequence[int]) -> str:
        """List the duplicates, the first ones of many."""
        named = ", ".join(map(self.subject.at, offsets[:MAX_POSITIONS]))
        more = len(offsets) - MAX_POSITIONS
        return named if more <= 0 else f"{named} and {more:,} more"

    def _duplicates_fields(self) -> list[dict[str, int]] | None:
        """List all duplicates."""
        if self.journey.duplicates is None:
            return None
        return [
            {"partition": self.subject.partition, "offset": offset}
            for offset in self.journey.duplicates
        ]


def _position_fields(position: RecordPosition) -> dict[str, int]:
    """Describe where a record is."""
    return {"partition": position.partition, "offset": position.offset}


def _message_words(sent: Sent | Missing) -> str:
    """Say who wrote to whom, and how much, but not what."""
    if isinstance(sent, Missing):
        return sent.reason
    size = len(sent.message.content.encode())
    return f"{sent.sender} to {sent.recipient}  {size:,} {'byte' if size == 1 else 'bytes'}"


def _message_fields(sent: Sent | Missing) -> dict[str, object] | None:
    """Describe the message as the API does."""
    if isinstance(sent, Missing):
        return None
    body: dict[str, object] = json.loads(message_text(sent.message))
    return body if sent.is_stored else {**body, "status": NOT_STORED}


def _accepted_words(accepted: Accepted | Missing) -> str:
    """Say when and by which API it was accepted."""
    if isinstance(accepted, Missing):
        return accepted.reason
    by = "an unknown instance" if accepted.instance is None else accepted.instance
    trace_id = "" if accepted.trace_id is None else f", trace {accepted.trace_id}"
    return f"{rfc3339(accepted.at)}  by {by}{trace_id}"


def _accepted_fields(accepted: Accepted | Missing) -> dict[str, object] | None:
    """Describe the 202."""
    if isinstance(accepted, Missing):
        return None
    return {
        "at": rfc3339(accepted.at),
        "instance": accepted.instance,
        "trace_id": accepted.trace_id,
    }


def _stored_words(stored: Stored | Missing) -> str:
    """Say where it is stored, how, and on which nodes."""
    if isinstance(stored, Missing):
        return stored.reason
    position = f"position ({stored.position.timestamp}, {stored.position.offset})"
    index = "index agrees" if stored.index_agrees else "index does not agree"
    nodes = f"; on {', '.join(stored.replicas)}" if stored.replicas else ""
    return f"{position}, {stored.status.value}; {index}{nodes}"


def _stored_fields(stored: Stored | Missing) -> dict[str, object] | None:
    """Describe the message's row."""
    if isinstance(stored, Missing):
        return None
    return {
        "timestamp": rfc3339(stored.position.timestamp),
        "seq": stored.position.offset,
        "status": stored.status.value,
        "index": stored.index_agrees,
        "replicas": list(stored.replicas),
    }


def _delivered_fields(delivered: Delivered | Missing) -> dict[str, object] | None:
    """Describe the confirmation."""
    if isinstance(delivered, Missing):
        return None
    receipt = delivered.receipt
    return {
        "at": rfc3339(delivered.at),
        "partition": None if isinstance(receipt, Missing) else receipt.partition,
        "offset": None if isinstance(receipt, Missing) else receipt.offset,
    }
