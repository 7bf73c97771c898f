"""What `trace` says when log or store is away, or changes meanwhile."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from angarium.domain.errors import LogUnavailable, StoreUnavailable, WrongTopic
from angarium.ports.log_inspection import BuriedRecord
from angarium.services.trace import tracer
from tests.fakes.inspection import MemoryDeadLetterInspector
from tests.unit.router.events import ALICE, BOB, message, receipt
from tests.unit.services.trace.traced_service import (
    HELLO,
    PARTITION,
    TracedService,
    at,
    rfc3339,
)


class TestOutages:
    """One of the two does not answer: the other one's part is shown."""

    def test_of_the_log(self, stored: TracedService) -> None:
        stored.log_faults.outage()
        report = stored.report(HELLO)
        assert len(report.journey.unavailable) == 1
        table = stored.table(HELLO)
        for label in ("accepted", "log", "applied"):
            assert table[label] == "unknown: the log does not answer"
        assert table["stored"].endswith("index agrees")
        document = stored.json(HELLO)
        assert (document["log"], document["duplicates"]) == (None, None)
        assert document["stored"] is not None

    def test_a_log_with_another_number_of_partitions_is_none(self, stored: TracedService) -> None:
        def refuse() -> None:
            raise WrongTopic("12 partitions, not 4")

        stored.meanwhile.before("ranges", refuse)
        with pytest.raises(WrongTopic):
            stored.report(HELLO)

    def test_of_the_dead_letters(self, stored: TracedService) -> None:
        class Broken(MemoryDeadLetterInspector):
            def walk(self) -> Iterator[BuriedRecord]:
                raise LogUnavailable("the dead letters do not answer")
                yield

        stored.append(message("mine", BOB, ALICE, HELLO))
        stored.work()
        stored.letters = Broken(stored.harness.dead_letters)
        report = stored.report(HELLO)
        assert report.journey.unavailable == ("the dead letters do not answer",)
        assert not report.journey.damage

    def test_of_the_store(self, stored: TracedService) -> None:
        stored.store_faults.outage()
        table = stored.table(HELLO)
        assert table["message"] == f"{HELLO}  {ALICE} to {BOB}  5 bytes"
        assert table["log"].startswith(f"{at(1)}, ")
        for label in ("stored", "delivered"):
            assert table[label] == "unknown: the store does not answer"

    def test_of_the_store_accuses_no_receipt_of_a_message_from_before_the_log(
        self, stored: TracedService
    ) -> None:
        """Only its row says whose it is."""
        stored.append(receipt([HELLO]))
        stored.work()
        stored.log.expire(PARTITION, 2)
        stored.store_faults.outage()
        table = stored.table(HELLO)
        assert "damage" not in table
        assert table["message"].endswith("unknown: the store does not answer")

    def test_of_the_log_in_the_middle_of_its_scan(self, stored: TracedService) -> None:
        stored.log_faults.fail("read")
        assert stored.table(HELLO)["log"] == "unknown: the log does not answer"

    def test_of_both(self, stored: TracedService) -> None:
        stored.log_faults.outage()
        stored.store_faults.outage()
        with pytest.raises(LogUnavailable) as raised:
            stored.report(HELLO)
        assert "members" in str(raised.value)
        assert "find" in str(raised.value)

    def test_of_one_while_the_other_one_does_not_have_it(self, stored: TracedService) -> None:
        stored.log_faults.outage()
        with pytest.raises(LogUnavailable, match=r"the store has no message .*, and the log may"):
            stored.report(uuid4())
        stored.log_faults.heal()
        stored.store_faults.outage()
        with pytest.raises(
            StoreUnavailable, match=r"the log has no message .*, and the store may"
        ):
            stored.report(uuid4())


class TestRaces:
    """What happens while it looks is never taken for damage."""

    def test_a_message_that_is_stored_during_the_scan(self, service: TracedService) -> None:
        service.append(message("hello", message_id=HELLO))
        report = service.report(HELLO, lambda done, total: service.work())
        assert list(report.lines())[4].endswith("PENDING; index agrees")

    def test_a_message_that_arrives_and_is_delivered_during_the_scan(
        self, service: TracedService
    ) -> None:
        service.append(message("hello", message_id=HELLO))

        def go_on(done: int, total: int) -> None:
            if service.log.range(PARTITION)[1] == 1:
                service.append(receipt([HELLO]))
            service.work()

        lines = list(service.report(HELLO, go_on).lines())
        assert lines[5].endswith(f"receipt {at(1)}")

    def test_a_commit_between_two_reads(self, service: TracedService) -> None:
        """How far the group is is read before the rows."""
        service.append(message("hello", message_id=HELLO))
        service.meanwhile.after("find", lambda: None)
        service.meanwhile.after("find", service.work)
        assert service.table(HELLO)["stored"].startswith("not stored yet: ")

    def test_a_receipt_between_two_reads(self, stored: TracedService) -> None:
        """Where the log ends is read after the rows."""

        def confirm() -> None:
            stored.append(receipt([HELLO]))
            stored.work()

        stored.meanwhile.before("find", confirm)
        assert stored.table(HELLO)["delivered"].endswith(f"receipt {at(2)}")

    def test_a_receipt_that_comes_during_the_scan(self, stored: TracedService) -> None:
        stored.meanwhile.before("read", lambda: stored.append(receipt([HELLO])))
        assert stored.table(HELLO)["delivered"].endswith("bob has not confirmed it")

    def test_retention_that_takes_the_receipt_during_the_scan(
        self, stored: TracedService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored.append(message("between"))
        confirmed = stored.append(receipt([HELLO]))
        stored.append(message("later"))
        stored.work()
        monkeypatch.setattr(tracer, "RECORDS_AT_ONCE", 1)
        stored.meanwhile.before("read", lambda: None)
        stored.meanwhile.before("read", lambda: stored.log.expire(PARTITION, 4))
        assert stored.table(HELLO)["delivered"] == (
            f"{rfc3339(confirmed)}  its receipt is not in the log any more"
        )
