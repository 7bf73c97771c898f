"""What a storm came to, for a person and for a program."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import cast

from angarium.cli.verify.findings import Kind as FindingKind
from angarium.services.audit.findings import FindingKind as AuditKind
from tests.storm.faults import Outcome

COUNTED = ("sent", "accepted", "confirmed", "retries", *(kind.value for kind in FindingKind))


@dataclass
class Summary:
    """Everything that is told at the end.

    Attributes:
        seed: Draws the same faults again.
        seconds: How long was written.
        longest_gap: Seconds in which nothing was accepted.
        verdicts: What each `angarium verify` printed, and its exit
            status.
        outcomes: Of the faults.
        skipped: Faults whose container was not back from the one
            before.
        audit: What `angarium audit` printed in the end, and its exit
            status; None when it was not reached.
        attacks: How the attacker was answered.
        problems: What went wrong with the storm itself.
    """

    seed: int
    seconds: float = 0.0
    longest_gap: float = 0.0
    verdicts: Sequence[tuple[int, Mapping[str, object]]] = ()
    outcomes: Sequence[Outcome] = ()
    skipped: int = 0
    audit: tuple[int, Mapping[str, object]] | None = None
    attacks: Mapping[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether every promise was, and everything came back in the
        end.

        A container may be unwell for longer than one fault is waited
        for: an instance is well only while Kafka and both Cassandra
        nodes are, and those have faults of their own.
        """
        whole = all(status == 0 for status, _ in self.verdicts) and bool(self.verdicts)
        sound = self.audit is not None and self.audit[0] == 0
        return whole and sound and not self.problems

    def audit_line(self) -> str:
        """Tell what the audit found."""
        if self.audit is None:
            return "audit: not reached"
        status, report = self.audit
        found = {kind.value: len(cast("list[object]", report.get(kind, ()))) for kind in AuditKind}
        differences = ", ".join(f"{count} {kind}" for kind, count in found.items() if count)
        records = report.get("records", 0)
        return f"audit: {records} records, {differences or 'no difference'}, exit {status}"

    def counts(self) -> dict[str, int]:
        """Messages and findings of all senders together."""
        totals: dict[str, int] = defaultdict(int)
        for _, verdict in self.verdicts:
            for name in COUNTED:
                totals[name] += cast("int", verdict.get(name, 0))
        return dict(totals)

    def recoveries(self) -> dict[str, list[float]]:
        """Seconds until a container was well again, by fault and
        service.
        """
        found: dict[str, list[float]] = defaultdict(list)
        for each in self.outcomes:
            if each.unwell is not None:
                found[f"{each.fault.kind} {each.fault.service}"].append(round(each.unwell, 1))
        return dict(sorted(found.items()))

    def lines(self) -> Iterator[str]:
        """Tell it to a person."""
        yield f"seed {self.seed}, written for {self.seconds:.0f} s"
        yield f"longest time without a 202: {self.longest_gap:.1f} s"
        for name, count in self.counts().items():
            yield f"{name:<14} {count:>9}"
        done = len(self.outcomes)
        yield f"{done} faults; {self.skipped} more skipped, as their container was not back yet"
        for name, seconds in self.recoveries().items():
            times = f"well again after {median(seconds):.1f} s, at most {max(seconds):.1f} s"
            yield f"{name:<22} {len(seconds):>4}  {times}"
        yield self.audit_line()
        for name, count in self.attacks.items():
            yield f"attacker: {name:<28} {count:>7}"
        for each in self.outcomes:
            if each.error:
                fault = each.fault
                yield f"SLOW {fault.kind} {fault.target} at {fault.at:g} s: {each.error}"
        yield from (f"PROBLEM {problem}" for problem in self.problems)
        yield (
            "every promise was kept"
            if self.kept
            else "NOT every promise was kept, or the storm failed"
        )

    def write(self, file: Path) -> None:
        """Tell it to a program."""
        document = {
            "seed": self.seed,
            "kept": self.kept,
            "seconds": round(self.seconds, 1),
            "longest_gap": round(self.longest_gap, 1),
            "counts": self.counts(),
            "faults": len(self.outcomes),
            "skipped": self.skipped,
            "recoveries": self.recoveries(),
            "audit": None if self.audit is None else {"exit": self.audit[0], **self.audit[1]},
            "attacks": self.attacks,
            "problems": self.problems,
            "slow": [each.error for each in self.outcomes if each.error],
            "verdicts": [{"exit": status, **verdict} for status, verdict in self.verdicts],
        }
        file.write_text(json.dumps(document, indent=1))
