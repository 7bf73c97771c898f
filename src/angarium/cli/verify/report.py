"""What came out, for a person and for a program."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angarium.cli.text import escape_unprintable
from angarium.cli.verify.findings import EXPLANATIONS, Finding, Kind

MAX_LINES = 20
"""Findings that are printed; --json has them all."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run states.

    Attributes:
        run: Its name, part of every text that it wrote.
        urls: The instances that were read through.
        conversations: How many.
        seconds: How long the writing took.
        sent: Messages of the ledger.
        accepted: Those of them that got a 202.
        confirmed: Those whose delivery was confirmed.
        retries: Requests that had to be made again.
        interrupted: Whether Ctrl-C ended the writing.
        findings: Everything that is wrong.
    """

    run: str
    urls: Sequence[str]
    conversations: int
    seconds: float
    sent: int
    accepted: int
    confirmed: int
    retries: int
    interrupted: bool
    findings: Sequence[Finding]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def lines(self) -> Iterator[str]:
        """Format the report for a person.

        Yields:
            Lines.
        """
        counts = Counter(finding.kind for finding in self.findings)
        what = f"{self.conversations} conversations, {len(self.urls)} readers"
        yield f"run {self.run}: {what}, written in {self.seconds:.1f} s"
        if self.interrupted:
            yield "the writing was interrupted; what had been written until then was read back"
        yield f"{'sent':<12} {self.sent:>8}  messages, each under an id of its own"
        known = "of them got a 202; the outcome of the others is unknown"
        yield f"{'accepted':<12} {self.accepted:>8}  {known}"
        yield f"{'confirmed':<12} {self.confirmed:>8}  receipts got a 202"
        yield f"{'retries':<12} {self.retries:>8}  requests were repeated"
        for kind in Kind:
            yield f"{kind:<12} {counts[kind]:>8}  {EXPLANATIONS[kind]}"
        for finding in self.findings[:MAX_LINES]:
            yield escape_unprintable(f"  {finding.kind}: {finding.text}")
        if len(self.findings) > MAX_LINES:
            yield f"  and {len(self.findings) - MAX_LINES} more; --json lists all"
        yield self._verdict()

    def json(self) -> str:
        """Format the report for a program.

        Returns:
            One JSON object.
        """
        counts = Counter(finding.kind for finding in self.findings)
        return json.dumps(
            {
                "run": self.run,
                "urls": list(self.urls),
                "conversations": self.conversations,
                "seconds": round(self.seconds, 3),
                "sent": self.sent,
                "accepted": self.accepted,
                "confirmed": self.confirmed,
                "retries": self.retries,
                "interrupted": self.interrupted,
                "kept": self.is_clean,
                **{kind.value: counts[kind] for kind in Kind},
                "findings": [
                    {"kind": each.kind.value, "text": each.text} for each in self.findings
                ],
            }
        )

    def _verdict(self) -> str:
        """Sum the run up in one sentence."""
        if not self.findings:
            return (
                "every promise was kept"
                if self.accepted
                else "nothing was accepted, so nothing was verified"
            )
        if all(finding.kind in {Kind.UNREAD, Kind.UNANSWERED} for finding in self.findings):
            return "no promise was broken, but the service did not answer to the end"
        return "promises were broken"
