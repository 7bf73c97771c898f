"""What `trace` says when something is not as it should be."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.message import MessagePosition, Status
from angarium.ports.log_inspection import BuriedRecord
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import NO_ID, IndexRow
from angarium.services.trace import tracer
from tests.fakes.inspection import MemoryDeadLetterInspector
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, receipt
from tests.unit.services.trace.traced_service import (
    PARTITION,
    TracedService,
    rfc3339,
)

HELLO = UUID("01a206a1-0000-7000-8000-000000000001")
AUDIT = f"; see `angarium audit --conversation {ALICE_BOB}`"


def at(offset: int) -> str:
    return f"messages[{PARTITION}]@{offset}"


@pytest.fixture
def stored(service: TracedService) -> TracedService:
    """A service with one stored message, the second of its log."""
    service.append(message("before"))
    service.append(message("hello", message_id=HELLO))
    service.work()
    return service


def test_a_row_and_its_index_row_that_were_deleted(stored: TracedService) -> None:
    stored.rows.delete_message(stored.row(HELLO))
    stored.rows.delete_index(ALICE_BOB, HELLO)
    table = stored.table(HELLO)
    assert table["message"].endswith("alice to bob  5 bytes")
    assert table["log"].startswith(f"{at(1)}, ")
    assert table["stored"] == "not stored, though the group is past its record" + AUDIT
    assert table["delivered"] == "not delivered: it is not stored"
    assert stored.json(HELLO)["stored"] is None


def test_an_index_row_without_its_message(stored: TracedService) -> None:
    row = stored.row(HELLO)
    stored.rows.delete_message(row)
    millis = row.position.timestamp
    table = stored.table(HELLO)
    assert table["stored"] == f"not stored, though the index has it at ({millis}, 1)" + AUDIT
    assert table["log"].startswith(f"{at(1)}, ")
    assert stored.json(HELLO)["stored"] is None
    stored.append(receipt([HELLO]))
    assert (
        stored.table(HELLO)["delivered"] == f"not delivered: receipt {at(2)}, but it is not stored"
    )


def test_a_message_without_its_index_row(stored: TracedService) -> None:
    stored.rows.delete_index(ALICE_BOB, HELLO)
    first, second = stored.table(HELLO)["stored"].splitlines()
    assert first.endswith("PENDING; index does not agree")
    assert second == "it has no index row, so nobody finds it by its id" + AUDIT
    document = stored.json(HELLO)["stored"]
    assert isinstance(document, dict)
    assert document["index"] is False


def test_a_row_whose_index_row_is_being_written_is_no_damage(service: TracedService) -> None:
    """The worker commits when both are stored."""
    service.append(message("hello", message_id=HELLO))
    service.work()
    service.rows.delete_index(ALICE_BOB, HELLO)
    service.harness.forget_positions()
    assert service.table(HELLO)["stored"].endswith(
        "index does not agree\nthe worker has not written its index row yet"
    )


def test_an_index_row_whose_message_is_being_written_is_no_damage(
    service: TracedService,
) -> None:
    service.append(message("hello", message_id=HELLO))
    service.work()
    service.rows.delete_message(service.row(HELLO))
    service.harness.forget_positions()
    assert service.table(HELLO)["stored"].startswith(
        "not stored yet: the group is 1 record behind"
    )


def test_an_index_row_that_names_another_position(stored: TracedService) -> None:
    stored.rows.put_index(ALICE_BOB, IndexRow(HELLO, MessagePosition(5, 7), ALICE))
    assert stored.table(HELLO)["stored"].splitlines()[1] == (
        "the index has it at (5, 7), where no row is" + AUDIT
    )


def test_a_second_row_with_the_id(stored: TracedService) -> None:
    stored.rows.put_message(stored.row(HELLO)._replace(position=MessagePosition(5, 7)))
    first, second = stored.table(HELLO)["stored"].splitlines()
    assert first.endswith(", 1), PENDING; index agrees")
    assert second == "another row has its id, at (5, 7)" + AUDIT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"content": "changed"}, "its row says something else than its record"),
        ({"sender_id": BOB}, "its row says something else than its record"),
        ({"sender_id": NO_ID}, "its row is incomplete"),
        ({"content": ""}, "its row is incomplete"),
    ],
)
def test_a_row_that_was_changed(
    change: dict[str, object], words: str, stored: TracedService
) -> None:
    stored.rows.put_message(stored.row(HELLO)._replace(**change))  # type: ignore[arg-type]
    assert stored.table(HELLO)["stored"].splitlines()[1] == words + AUDIT


def test_a_conversation_that_has_no_row_is_named(stored: TracedService) -> None:
    stored.conversations._conversations.clear()
    assert stored.table(HELLO)["stored"].splitlines()[1] == (
        "its conversation is not stored, so readers get 404 until somebody opens it again"
    )


def test_a_receipt_that_changed_nothing(stored: TracedService) -> None:
    stored.append(receipt([HELLO]))
    before = stored.row(HELLO)
    stored.work()
    stored.rows.put_message(before)
    assert stored.table(HELLO)["delivered"] == (
        f"not delivered, though the group is past the receipt {at(2)}" + AUDIT
    )


def test_a_delivery_that_no_receipt_explains(stored: TracedService) -> None:
    row = stored.row(HELLO)._replace(status=Status.DELIVERED, delivered_at=1_700_000_050_000)
    stored.rows.put_message(row)
    assert stored.table(HELLO)["delivered"] == (
        "2023-11-14T22:14:10.000Z  no receipt in the log says so" + AUDIT
    )
    assert stored.json(HELLO)["delivered"] == {
        "at": "2023-11-14T22:14:10.000Z",
        "partition": None,
        "offset": None,
    }


def test_a_delivery_without_a_time(stored: TracedService) -> None:
    stored.rows.put_message(stored.row(HELLO)._replace(status=Status.DELIVERED))
    assert stored.table(HELLO)["delivered"] == ("unknown: its row has no time of delivery" + AUDIT)


def test_a_conflict_whose_dead_letter_is_gone(stored: TracedService) -> None:
    stored.append(message("mine", BOB, ALICE, HELLO))
    stored.work()
    stored.harness.dead_letters._letters.clear()
    assert stored.table(HELLO)["damage"] == f"{at(2)} was refused and has no dead letter" + AUDIT
    assert stored.json(HELLO)["dead_letter"] is None


def test_a_dead_letter_that_was_removed_by_its_age_is_no_damage(stored: TracedService) -> None:
    conflict = stored.append(message("mine", BOB, ALICE, HELLO))
    stored.work()
    stored.harness.dead_letters._letters.clear()
    stored.letters = MemoryDeadLetterInspector(
        stored.harness.dead_letters, kept_since=conflict.timestamp + 1
    )
    assert "damage" not in stored.table(HELLO)


def test_a_conflict_that_the_group_has_not_reached_is_no_damage(stored: TracedService) -> None:
    stored.append(message("mine", BOB, ALICE, HELLO))
    table = stored.table(HELLO)
    assert "damage" not in table
    assert "refused" not in table


def test_the_place_of_a_row_that_another_record_has(stored: TracedService) -> None:
    """The log was lost and filled again."""
    row = stored.row(HELLO)._replace(message_id=(other := uuid4()))
    stored.rows.put_message(row)
    stored.rows.put_index(ALICE_BOB, IndexRow(other, row.position, ALICE))
    table = stored.table(other)
    assert table["log"].startswith(f"{at(1)}, where the log has no record of it, watermark ")
    assert table["accepted"] == "unknown: its record is not in the log"
    log = stored.json(other)["log"]
    assert isinstance(log, dict)
    assert (log["bytes"], log["expired"]) == (None, False)


class TestRetention:
    """Records that are gone, and messages that never had one here."""

    def test_took_the_record(self, stored: TracedService) -> None:
        sent = stored.row(HELLO).position.timestamp
        stored.append(message("later"))
        stored.work()
        stored.log.expire(PARTITION, 2)
        table = stored.table(HELLO)
        assert table["message"].endswith("alice to bob  5 bytes")
        assert table["accepted"] == "unknown: its record is not in the log any more"
        assert table["log"] == (
            f"{at(1)}, before the log's beginning (retention, or an import), watermark "
            "2023-11-14T22:13:22.000Z"
        )
        assert table["stored"] == f"position ({sent}, 1), PENDING; index agrees"
        document = stored.json(HELLO)
        assert document["accepted"] is None
        assert document["log"] == {
            "topic": "messages",
            "partition": PARTITION,
            "offset": 1,
            "bytes": None,
            "expired": True,
        }

    def test_took_the_record_and_not_what_came_later(self, stored: TracedService) -> None:
        stored.append(message("again", message_id=HELLO))
        stored.append(message("mine", BOB, ALICE, HELLO))
        confirmed = stored.append(receipt([HELLO]))
        stored.work()
        stored.log.expire(PARTITION, 2)
        watermark = stored.row(HELLO).position.timestamp
        stored.rows.starts[PARTITION] = Position(2, watermark)
        table = stored.table(HELLO)
        assert table["duplicates"] == at(2)
        assert table["refused"].startswith(f"{at(3)}: message_id_conflict")
        assert table["delivered"] == f"{rfc3339(confirmed)}  receipt {at(4)}"
        assert "damage" not in table

    def test_took_the_receipt_too(self, stored: TracedService) -> None:
        confirmed = stored.append(receipt([HELLO]))
        stored.append(receipt([HELLO]))
        stored.work()
        stored.log.expire(PARTITION, 3)
        stored.rows.starts[PARTITION] = Position(3, confirmed.timestamp)
        assert stored.table(HELLO)["delivered"] == (
            f"{rfc3339(confirmed)}  its receipt is not in the log any more"
        )

    def test_took_everything(self, stored: TracedService) -> None:
        stored.log.expire(PARTITION, 2)
        table = stored.table(HELLO)
        assert "before the log's beginning (retention, or an import)" in table["log"]
        assert "index agrees" in table["stored"]

    def test_of_a_conflicts_record_leaves_its_dead_letter(self, stored: TracedService) -> None:
        stored.append(message("mine", BOB, ALICE, HELLO))
        stored.append(message("later"))
        stored.work()
        stored.log.expire(PARTITION, 3)
        assert stored.table(HELLO)["refused"].startswith(f"{at(2)}: message_id_conflict")

    def test_never_was_of_an_imported_message(self, stored: TracedService) -> None:
        """Positions are those of another log; this one begins after
        their greatest timestamp.
        """
        row = stored.row(HELLO)._replace(
            message_id=(old := uuid4()), position=MessagePosition(5_000, 813)
        )
        stored.rows.put_message(row)
        stored.rows.put_index(ALICE_BOB, IndexRow(old, row.position, ALICE))
        stored.rows.starts[PARTITION] = Position(0, 6_000)
        stored.append(message("a retry", message_id=old))
        table = stored.table(old)
        assert table["log"] == (
            "offset 813 of the log that it was exported from, watermark 1970-01-01T00:00:05.000Z"
        )
        assert table["accepted"] == ("unknown: its record is in the log that it was exported from")
        assert table["duplicates"] == at(2)
        log = stored.json(old)["log"]
        assert isinstance(log, dict)
        assert (log["offset"], log["expired"]) == (813, True)

    def test_leaves_a_receipt_with_the_watermark_of_what_is_gone(
        self, service: TracedService
    ) -> None:
        ahead = service.append(message("hello", message_id=HELLO))
        service.work()
        service.clock.step_wall(-60_000)
        service.append(receipt([HELLO]))
        service.work()
        service.log.expire(PARTITION, 1)
        service.rows.starts[PARTITION] = Position(1, ahead.timestamp)
        assert service.table(HELLO)["delivered"] == f"{rfc3339(ahead)}  receipt {at(1)}"

    @pytest.mark.parametrize(("offset", "begins_at"), [(2, 0), (1, 2)])
    def test_never_was_though_another_record_has_its_offset(
        self, offset: int, begins_at: int, stored: TracedService
    ) -> None:
        row = stored.row(HELLO)._replace(
            message_id=(old := uuid4()), position=MessagePosition(5_000, offset)
        )
        stored.rows.put_message(row)
        stored.rows.put_index(ALICE_BOB, IndexRow(old, row.position, ALICE))
        stored.rows.starts[PARTITION] = Position(begins_at, 6_000)
        stored.append(message("a retry", message_id=old))
        document = stored.json(old)
        log = document["log"]
        assert isinstance(log, dict)
        assert log["expired"] is True
        assert document["accepted"] is None
        assert document["duplicates"] == [{"partition": PARTITION, "offset": 2}]


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
