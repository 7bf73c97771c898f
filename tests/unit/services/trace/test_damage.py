"""What `trace` says when something is not as it should be."""

from uuid import uuid4

import pytest

from angarium.domain.message import MessagePosition, Status
from angarium.ports.store_inspection import NO_ID, IndexRow
from tests.fakes.inspection import MemoryDeadLetterInspector
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, receipt
from tests.unit.services.trace.traced_service import (
    HELLO,
    TracedService,
    at,
)

AUDIT = f"; see `angarium audit --conversation {ALICE_BOB}`"


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
