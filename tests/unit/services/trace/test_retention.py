"""What `trace` says when the log no longer has every record."""

from uuid import uuid4

import pytest

from angarium.domain.message import MessagePosition
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, receipt
from tests.unit.services.trace.traced_service import (
    HELLO,
    PARTITION,
    TracedService,
    at,
    rfc3339,
)


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

    def test_never_was_of_an_imported_message_that_lost_a_row(self, stored: TracedService) -> None:
        """Its offset is of another log, so no worker will reach it."""
        row = stored.row(HELLO)._replace(
            message_id=(old := uuid4()), position=MessagePosition(5_000, 813)
        )
        stored.rows.starts[PARTITION] = Position(0, 6_000)
        audit = f"; see `angarium audit --conversation {ALICE_BOB}`"
        stored.rows.put_message(row)
        _, lacking = stored.table(old)["stored"].splitlines()
        assert lacking == "it has no index row, so nobody finds it by its id" + audit
        stored.rows.put_index(ALICE_BOB, IndexRow(old, row.position, ALICE))
        stored.rows.delete_message(row)
        assert stored.table(old)["stored"] == (
            "not stored, though the index has it at (5000, 813)" + audit
        )

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
