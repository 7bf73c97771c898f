"""Whatever happens to workers, the store and the log, an audit accuses
nobody, at no moment; and one damage, whatever it is, is found, and
nothing else.
"""

from hypothesis import settings
from hypothesis.stateful import invariant

from tests.unit.router.test_worker_properties import (
    PHASES,
    History,
    HistoryWithLateAnswers,
)
from tests.unit.services.audit.audited_service import AuditedService


class AuditedHistory(History):
    """Any history, audited after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.service = AuditedService(self.harness)

    @invariant()
    def an_audit_accuses_nobody(self) -> None:
        assert self.service.audit().findings == []


class AuditedHistoryWithLateAnswers(HistoryWithLateAnswers):
    """As above, with late answers."""

    def __init__(self) -> None:
        super().__init__()
        self.service = AuditedService(self.harness)

    @invariant()
    def an_audit_accuses_nobody(self) -> None:
        assert self.service.audit().findings == []


TestAudits = AuditedHistory.TestCase
TestAudits.settings = settings(stateful_step_count=60, phases=PHASES)
TestAuditsWithLateAnswers = AuditedHistoryWithLateAnswers.TestCase
TestAuditsWithLateAnswers.settings = TestAudits.settings
