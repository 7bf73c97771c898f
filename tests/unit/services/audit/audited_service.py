"""A service in memory, and audits of it."""

from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple
from uuid import UUID

from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.store_inspection import StoreInspector
from angarium.services.audit.audit import AuditSummary, Sources, Step, audit
from angarium.services.audit.findings import Finding, Findings
from angarium.services.audit.store_walk import Pace
from angarium.services.outage_retry import OutageRetry
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.unit.router.harness import GROUP, WorkerHarness


class Outcome(NamedTuple):
    """What an audit says."""

    audited: AuditSummary
    findings: list[Finding]


class AuditedService:
    """A worker's log and store, as an audit reads them.

    Attributes:
        harness: The service.
        store: Shows the store's rows; a test damages them.
        kept_since: From which time on dead letters are kept.
    """

    def __init__(self, harness: WorkerHarness) -> None:
        self.harness = harness
        self.store = MemoryStoreInspector(harness.messages, MemoryConversations())
        self.kept_since = 0

    def audit(self, conversation_id: UUID | None = None, rate: int | None = None) -> Outcome:
        """Audit everything, or one conversation."""
        return run_audit(
            MemoryLogInspector(self.harness.log, GROUP),
            MemoryDeadLetterInspector(self.harness.dead_letters, self.kept_since),
            self.store,
            self.harness.clock,
            conversation_id,
            rate,
        )

    def found(self, conversation_id: UUID | None = None) -> set[tuple[str, int, int]]:
        """Give kind and position of everything that is wrong."""
        return {
            (finding.kind.value, finding.partition, finding.offset)
            for finding in self.audit(conversation_id).findings
        }


def run_audit(
    log: LogInspector,
    dead_letters: DeadLetterInspector,
    store: StoreInspector,
    clock: ManualClock,
    conversation_id: UUID | None = None,
    rate: int | None = None,
    progress: Callable[[Step], None] = lambda _: None,
) -> Outcome:
    """Audit whatever the inspectors show."""
    with closing(Findings()) as findings:
        audited = audit(
            Sources(log, dead_letters, store),
            findings,
            OutageRetry(clock, lambda *_: None, sleep=clock.sleep, uniform=lambda _, most: most),
            Pace(rate, clock, clock.sleep),
            clock,
            progress,
            conversation_id,
        )
        return Outcome(audited, list(findings.all()))
