"""What an audit has found, for a person and for a program."""

import json
from collections.abc import Iterator
from itertools import groupby

from angarium.services.audit.audit import AuditSummary
from angarium.services.audit.findings import Finding, FindingKind, Findings

MAX_LINES = 20
"""Findings that are printed; --json has them all."""

_EXACT_S = 10
"""From here on tenths of a second say nothing."""


class AuditReport:
    """Prints findings one by one: they may be a million.

    Attributes:
        total: How many findings there are.
    """

    def __init__(self, audited: AuditSummary, findings: Findings, topic: str) -> None:
        """Count the findings.

        Args:
            audited: What was compared.
            findings: The differences.
            topic: What the log is called.
        """
        self._audited = audited
        self._findings = findings
        self._topic = topic
        self._counts = findings.counts()
        self.total = sum(self._counts.values())

    def lines(self) -> Iterator[str]:
        """Format the report for a person.

        Yields:
            Lines.
        """
        audited = self._audited
        seconds = audited.seconds
        yield (
            f"audited    {_count(audited.records, 'record')} in "
            f"{_count(audited.partitions, 'partition')}, {_count(audited.messages, 'message')} in "
            f"{_count(audited.conversations, 'conversation')}, in "
            f"{seconds:.{0 if seconds >= _EXACT_S else 1}f} s"
        )
        yield "   ".join(f"{kind} {count:,}" for kind, count in self._counts.items())
        for finding, _ in zip(self._findings.all(), range(MAX_LINES), strict=False):
            yield self._line(finding)
        if self.total > MAX_LINES:
            yield f"and {self.total - MAX_LINES:,} more; --json lists all"
        if audited.older:
            yield (
                f"older      {_count(audited.older, 'stored message')} from before this log "
                "(imported, or removed by retention): not compared with it"
            )
        if self.total:
            yield f"the store differs from the log: {_count(self.total, 'finding')}"
        else:
            yield "the store says exactly what the log says"

    def json(self) -> Iterator[str]:
        """Format the report for a program.

        Yields:
            Pieces of one JSON object.
        """
        audited = self._audited
        head = {
            "records": audited.records,
            "messages": audited.messages,
            "conversations": audited.conversations,
            "seconds": round(audited.seconds, 3),
        }
        yield json.dumps(head)[:-1]
        found = groupby(self._findings.all(), lambda finding: finding.kind)
        ahead = next(found, None)
        for kind in FindingKind:
            yield f', "{kind}": ['
            # Findings come in the order of their kinds.
            if ahead is not None and ahead[0] is kind:
                for number, finding in enumerate(ahead[1]):
                    yield (", " if number else "") + json.dumps(_fields(finding))
                ahead = next(found, None)
            yield "]"
        yield "}\n"

    def _line(self, finding: Finding) -> str:
        """Name one finding for a person."""
        place = f"{self._topic}[{finding.partition}]@{finding.offset}"
        if finding.conversation_id is None or finding.message_id is None:
            return f"{finding.kind:<11} {place}, a record that names no message"
        ids = f"message {finding.message_id} of conversation {finding.conversation_id}"
        return f"{finding.kind:<11} {place}, {ids}"


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _fields(finding: Finding) -> dict[str, object]:
    """Describe a finding for a program."""
    ids = [
        None if each is None else str(each)
        for each in (finding.conversation_id, finding.message_id)
    ]
    return {
        "conversation_id": ids[0],
        "message_id": ids[1],
        "partition": finding.partition,
        "offset": finding.offset,
    }
