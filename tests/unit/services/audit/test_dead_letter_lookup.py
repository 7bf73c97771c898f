from contextlib import closing

from angarium.ports.message_log import Record
from angarium.services.audit.log_scan import DeadLetterLookup
from angarium.services.outage_retry import OutageRetry
from tests.fakes.clock import ManualClock
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.inspection import MemoryDeadLetterInspector


def lacks_letter(record: Record, kept_since: int) -> bool:
    """Return whether a record is missed among dead letters, of which
    there are none.
    """
    clock = ManualClock()
    with closing(DeadLetterLookup()) as letters:
        inspector = MemoryDeadLetterInspector(MemoryDeadLetters(), kept_since=kept_since)
        letters.read(inspector, OutageRetry(clock, lambda *_: None, clock.sleep))
        return letters.look_up(record)[1]


def test_a_record_whose_time_nobody_can_read_lacks_its_letter_while_none_was_removed() -> None:
    """A batch with a wrong checksum has none."""
    corrupt = Record(0, 7, -1, None, None, problem="the checksum is wrong")
    assert lacks_letter(corrupt, kept_since=0)
    assert not lacks_letter(corrupt, kept_since=1_000)


def test_a_letter_that_was_removed_by_its_age_is_not_missed() -> None:
    record = Record(0, 7, 999, b"key", b"value")
    assert lacks_letter(record, kept_since=999)
    assert not lacks_letter(record, kept_since=1_000)
