"""Which records of a partition `trace` takes for the message's."""

import pytest

from angarium.services.trace.tracer import UnknownMessage
from tests.unit.router.events import ALICE, ALICE_BOB, CAROL, message
from tests.unit.services.trace.traced_service import (
    HELLO,
    PARTITION,
    TracedService,
    at,
)


@pytest.mark.parametrize("partition", [(PARTITION + 1) % 4, (PARTITION + 2) % 4])
def test_a_record_in_a_wrong_partition_is_found_by_its_dead_letter(
    partition: int, service: TracedService
) -> None:
    service.append(message("astray"), partition)
    service.append(message("hello", message_id=HELLO), partition)
    service.work()
    table = service.table(HELLO)
    assert table["refused"].startswith(f"messages[{partition}]@1: wrong_partition: ")
    assert table["stored"] == "not stored: the worker refused its record"


def test_an_undecodable_record_of_another_conversation_is_not_the_messages(
    service: TracedService,
) -> None:
    value = f'"{HELLO}" is no event'.encode()
    service.log.append_raw(PARTITION, b"another key", value, {"schema": b"1"})
    service.work()
    with pytest.raises(UnknownMessage):
        service.report(HELLO)
    service.log.append_raw(PARTITION, str(ALICE_BOB).encode(), value, {"schema": b"1"})
    service.work()
    assert service.table(HELLO)["refused"].startswith(f"{at(1)}: undecodable_event: ")


def test_an_id_with_escaped_characters_is_found(service: TracedService) -> None:
    """JSON may write any character so."""
    service.append(message("hello", message_id=HELLO))
    (record,) = service.log.read(PARTITION, 0, 1)
    assert record.value is not None
    escaped = str(HELLO).encode().replace(b"a", b"\\u0061")
    text = record.value.replace(str(HELLO).encode(), escaped)
    service.log.append_raw(PARTITION, record.key, text, record.headers)
    service.work()
    assert service.table(HELLO)["duplicates"] == at(1)


def test_an_id_in_upper_case_is_found(service: TracedService) -> None:
    """The worker reads it, so another producer may write it."""
    event = message("hello", message_id=HELLO)
    service.append(event)
    (record,) = service.log.read(PARTITION, 0, 1)
    assert record.value is not None
    text = record.value.replace(str(HELLO).encode(), str(HELLO).upper().encode())
    service.log.append_raw(PARTITION, record.key, text, record.headers)
    service.work()
    assert service.table(HELLO)["duplicates"] == at(1)


@pytest.mark.parametrize("text", [f"look at {HELLO}", f'"message_id":"{HELLO}"', f"{HELLO} \x01"])
def test_a_text_that_names_the_id_is_another_message(text: str, service: TracedService) -> None:
    service.append(message(text))
    service.work()
    with pytest.raises(UnknownMessage):
        service.report(HELLO)


def test_the_same_id_in_another_conversation_is_another_message(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    service.append(message("to carol", ALICE, CAROL, HELLO))
    service.append(message("from carol", CAROL, ALICE, HELLO))
    service.work()
    assert [letter.reason for letter in service.harness.dead_letters.all()] == [
        "message_id_conflict"
    ]
    document = service.json(HELLO)
    assert (document["duplicates"], document["dead_letter"]) == ([], None)
