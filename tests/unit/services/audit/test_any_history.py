"""Whatever happens to workers, the store and the log, an audit accuses
nobody, at no moment.
"""

from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.unit.router.events import ALICE, BOB, message, message_id_of
from tests.unit.router.test_worker_properties import PHASES, HistoryWithLateAnswers, times
from tests.unit.services.audit.audited_service import AuditedService


class AuditedHistory(HistoryWithLateAnswers):
    """Appends, turns, failures, rebalances, crashes, zombies and
    replays in any order, audited after each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.service = AuditedService(self.harness)

    @rule(
        bob=st.booleans(),
        message_id=st.sampled_from([message_id_of(0), message_id_of(1)]),
        at=times,
    )
    def repeat(self, bob: bool, message_id: UUID, at: int) -> None:
        """Append one of few ids: mostly duplicates and conflicts."""
        people = (BOB, ALICE) if bob else (ALICE, BOB)
        self.sent[0].add(message_id)
        self.harness.put(message("again", *people, message_id), at)

    @invariant()
    def an_audit_accuses_nobody(self) -> None:
        assert self.service.audit().findings == []


TestAudits = AuditedHistory.TestCase
TestAudits.settings = settings(stateful_step_count=40, phases=PHASES)
