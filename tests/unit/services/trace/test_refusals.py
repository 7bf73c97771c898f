"""What `trace` says about records that the worker has refused."""

from uuid import uuid4

import pytest

from angarium.ports.message_log import Record
from angarium.router import record_decoder
from angarium.services.record_validation import InvalidRecord
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, receipt
from tests.unit.services.trace.traced_service import (
    HELLO,
    PARTITION,
    TracedService,
    at,
    rfc3339,
)


def test_the_id_of_the_other_participant_is_a_conflict_and_no_duplicate(
    service: TracedService,
) -> None:
    service.append(message("hello", message_id=HELLO))
    service.append(message("mine", BOB, ALICE, HELLO))
    service.work()
    table = service.table(HELLO)
    assert table["message"].endswith("alice to bob  5 bytes")
    assert table["refused"].startswith(f"{at(1)}: message_id_conflict: message {HELLO} was ")
    assert "duplicates" not in table
    document = service.json(HELLO)
    assert document["duplicates"] == []
    assert document["dead_letter"] == {
        "reason": "message_id_conflict",
        "detail": f"message {HELLO} was already sent by the other participant; the first one is "
        "kept",
        "partition": PARTITION,
        "offset": 1,
    }


def test_the_first_of_several_dead_letters_is_in_the_json(service: TracedService) -> None:
    service.append(receipt([HELLO]))
    service.append(message("hello", message_id=HELLO))
    service.append(message("mine", BOB, ALICE, HELLO))
    service.append(message("mine!", BOB, ALICE, HELLO))
    service.work()
    reasons = [each.split(": ")[:2] for each in service.table(HELLO)["refused"].splitlines()]
    assert reasons == [
        [at(2), "message_id_conflict"],
        [at(3), "message_id_conflict"],
        [at(0), "unknown_message"],
    ]
    letter = service.json(HELLO)["dead_letter"]
    assert isinstance(letter, dict)
    assert (letter["reason"], letter["offset"]) == ("message_id_conflict", 2)


def test_a_receipt_that_came_before_its_message_is_shown_as_refused(
    service: TracedService,
) -> None:
    service.append(receipt([HELLO]))
    service.append(message("hello", message_id=HELLO))
    service.work()
    table = service.table(HELLO)
    assert table["refused"].startswith(f"{at(0)}: unknown_message: ")
    assert table["delivered"] == "not delivered yet: bob has not confirmed it"


def test_a_receipt_before_an_unstored_message_is_no_receipt(service: TracedService) -> None:
    service.append(receipt([HELLO]))
    service.append(message("hello", message_id=HELLO))
    assert service.table(HELLO)["delivered"] == "not delivered: it is not stored"


def test_a_receipt_of_the_sender_is_refused(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    service.append(receipt([HELLO], ALICE, BOB))
    service.work()
    table = service.table(HELLO)
    assert table["refused"].startswith(f"{at(1)}: not_recipient: ")
    assert table["delivered"] == "not delivered yet: bob has not confirmed it"


def test_a_receipt_that_was_refused_for_another_id_is_not_the_messages(
    service: TracedService,
) -> None:
    service.append(message("hello", message_id=HELLO))
    service.append(receipt([HELLO, uuid4()]))
    service.work()
    assert service.json(HELLO)["dead_letter"] is None
    assert service.table(HELLO)["delivered"].endswith(f"receipt {at(1)}")


def test_a_message_whose_record_was_refused_shows_why(service: TracedService) -> None:
    """A foreign producer has written an empty text."""
    value = (
        f'{{"event_id":"{uuid4()}","event_type":"NEW_MESSAGE","conversation_id":"{ALICE_BOB}",'
        f'"timestamp":0,"payload":{{"message_id":"{HELLO}","sender_id":"{ALICE}",'
        f'"recipient_id":"{BOB}","content":""}}}}'
    )
    service.log.append_raw(PARTITION, str(ALICE_BOB).encode(), value.encode(), {"schema": b"1"})
    table = service.table(HELLO)
    assert table["stored"] == (
        f"not stored: the group is 1 record behind, and nobody owns messages[{PARTITION}], and "
        "will refuse its record"
    )
    service.work()
    table = service.table(HELLO)
    assert table["message"] == f"{HELLO}  unknown: only refused records have its id"
    assert table["stored"] == "not stored: the worker refused its record"
    assert table["refused"].startswith(f"{at(0)}: undecodable_event: ")
    assert service.json(HELLO)["message"] is None


class TestAnEarlierVersion:
    """Its worker has refused records that this one can read."""

    def test_refused_the_message(self, service: TracedService) -> None:
        with pytest.MonkeyPatch.context() as patch:
            self.refuse_everything(patch)
            service.append(message("hello", message_id=HELLO))
            service.work()
        table = service.table(HELLO)
        assert table["stored"] == "not stored: the worker refused its record"
        assert table["refused"] == f"{at(0)}: undecodable_event: too new"

    def test_refused_the_message_whose_replay_waits(self, service: TracedService) -> None:
        with pytest.MonkeyPatch.context() as patch:
            self.refuse_everything(patch)
            service.append(message("hello", message_id=HELLO))
            service.work()
        service.append(message("hello", message_id=HELLO))
        assert service.table(HELLO)["stored"] == "not stored yet: the group is 1 record behind"
        service.work()
        assert service.table(HELLO)["stored"].endswith("index agrees")

    def test_refused_the_receipt(self, service: TracedService) -> None:
        service.append(message("hello", message_id=HELLO))
        service.work()
        with pytest.MonkeyPatch.context() as patch:
            self.refuse_everything(patch)
            service.append(receipt([HELLO]))
            service.work()
        table = service.table(HELLO)
        assert table["delivered"] == f"not delivered: the worker refused the receipt {at(1)}"
        confirmed = service.append(receipt([HELLO]))
        service.work()
        assert service.table(HELLO)["delivered"] == (
            f"{rfc3339(confirmed)}  the first receipt was refused, a later one has counted"
        )

    @staticmethod
    def refuse_everything(patch: pytest.MonkeyPatch) -> None:
        def refuse(record: Record, partitions: int) -> InvalidRecord:
            return InvalidRecord("undecodable_event", "too new")

        patch.setattr(record_decoder, "validate_record", refuse)
