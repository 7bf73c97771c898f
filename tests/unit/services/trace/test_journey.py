"""The journey of a message in a sound service, line by line."""

import pytest

from angarium.services.trace.tracer import UnknownMessage
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, CAROL, message, receipt
from tests.unit.services.trace.traced_service import (
    HELLO,
    PARTITION,
    TRACE_ID,
    TracedService,
    at,
    rfc3339,
)


def test_a_delivered_message_shows_each_step(service: TracedService) -> None:
    service.append(message("before"))
    sent = service.append(message("hello", message_id=HELLO))
    service.work()
    confirmed = service.append(receipt([HELLO]))
    service.work()
    millis = sent.timestamp
    assert list(service.report(HELLO).lines()) == [
        f"message    {HELLO}  alice to bob  5 bytes",
        f"accepted   {rfc3339(sent)}  by api-2, trace {TRACE_ID}",
        f"log        {at(1)}, {size(service, 1)} bytes, watermark {rfc3339(sent)}",
        f"applied    group router is at 3 of 3 in messages[{PARTITION}], owned by worker",
        f"stored     position ({millis}, 1), DELIVERED; index agrees",
        f"delivered  {rfc3339(confirmed)}  receipt {at(2)}",
    ]


def size(service: TracedService, offset: int) -> int:
    (record,) = service.log.read(PARTITION, offset, 1)
    headers = sum(len(name) + len(value or b"") for name, value in record.headers.items())
    return len(record.key or b"") + len(record.value or b"") + headers


def test_the_json_has_the_same(service: TracedService) -> None:
    sent = service.append(message("hello", message_id=HELLO))
    confirmed = service.append(receipt([HELLO]))
    service.work()
    assert service.json(HELLO) == {
        "message": {
            "message_id": str(HELLO),
            "conversation_id": str(ALICE_BOB),
            "sender_id": str(ALICE),
            "recipient_id": str(BOB),
            "content": "hello",
            "timestamp": rfc3339(sent),
            "status": "DELIVERED",
            "delivered_at": rfc3339(confirmed),
        },
        "accepted": {"at": rfc3339(sent), "instance": "api-2", "trace_id": TRACE_ID},
        "log": {
            "topic": "messages",
            "partition": PARTITION,
            "offset": 0,
            "bytes": size(service, 0),
            "expired": False,
        },
        "applied": {"group": "router", "committed": 2, "end": 2, "owner": "worker"},
        "stored": {
            "timestamp": rfc3339(sent),
            "seq": 0,
            "status": "DELIVERED",
            "index": True,
            "replicas": [],
        },
        "delivered": {"at": rfc3339(confirmed), "partition": PARTITION, "offset": 1},
        "duplicates": [],
        "dead_letter": None,
    }


def test_what_is_not_stored_yet_says_how_far_the_group_is_behind(service: TracedService) -> None:
    service.append(message("first"))
    service.work()
    service.append(message("second"))
    sent = service.append(message("hello", message_id=HELLO))
    service.append(receipt([HELLO]))
    table = service.table(HELLO)
    assert table["message"] == f"{HELLO}  alice to bob  5 bytes"
    assert table["log"].startswith(f"{at(2)}, ")
    assert table["log"].endswith(f"watermark {rfc3339(sent)}")
    assert table["stored"] == "not stored yet: the group is 3 records behind"
    assert table["delivered"] == f"not delivered: receipt {at(3)}, but it is not stored"
    document = service.json(HELLO)
    assert document["stored"] is None
    assert document["delivered"] is None
    body = document["message"]
    assert isinstance(body, dict)
    assert (body["status"], body["timestamp"], body["delivered_at"]) == (
        "ACCEPTED",
        rfc3339(sent),
        None,
    )


def test_without_a_worker_nobody_owns_the_partition(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    table = service.table(HELLO)
    assert table["applied"] == (
        f"group router has committed nothing of 1 in messages[{PARTITION}], owned by nobody"
    )
    assert table["stored"] == (
        f"not stored yet: the group is 1 record behind, and nobody owns messages[{PARTITION}]"
    )
    assert service.json(HELLO)["applied"] == {
        "group": "router",
        "committed": None,
        "end": 1,
        "owner": None,
    }


def test_an_unconfirmed_message_says_so(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    service.work()
    table = service.table(HELLO)
    assert ", PENDING; index agrees" in table["stored"]
    assert table["delivered"] == "not delivered yet: bob has not confirmed it"


def test_a_receipt_that_waits_is_named(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    service.work()
    service.append(receipt([HELLO]))
    service.append(receipt([HELLO]))
    assert service.table(HELLO)["delivered"] == (
        f"not delivered yet: receipt {at(1)}, the group is 2 records behind"
    )


def test_the_receipt_that_counted_is_shown_and_not_its_repetition(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    for _ in range(3):
        service.append(receipt([HELLO]))
    service.work()
    assert service.table(HELLO)["delivered"].endswith(f"receipt {at(1)}")


def test_the_watermark_of_an_unstored_message_is_the_running_maximum(
    service: TracedService,
) -> None:
    ahead = service.append(message("from a clock that was ahead"))
    service.work()
    service.clock.step_wall(-60_000)
    sent = service.append(message("hello", message_id=HELLO))
    assert service.table(HELLO)["accepted"].startswith("2023-11-14T22:12:22.000Z")
    assert sent.timestamp < ahead.timestamp
    assert service.table(HELLO)["log"].endswith(f"watermark {rfc3339(ahead)}")
    service.work()
    assert service.table(HELLO)["log"].endswith(f"watermark {rfc3339(ahead)}")


def test_the_watermark_is_known_though_what_it_came_from_is_gone(service: TracedService) -> None:
    ahead = service.append(message("from a clock that was ahead"))
    service.work()
    service.log.expire(PARTITION, 1)
    service.clock.step_wall(-60_000)
    service.append(message("hello", message_id=HELLO))
    assert service.table(HELLO)["log"].endswith(f"watermark {rfc3339(ahead)}")


def test_repeats_of_the_sender_are_duplicates(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    service.append(message("between"))
    service.append(message("hello again", message_id=HELLO))
    service.work()
    service.append(message("and again", message_id=HELLO))
    assert service.table(HELLO)["duplicates"] == f"{at(2)}, {at(3)}"
    assert service.json(HELLO)["duplicates"] == [
        {"partition": PARTITION, "offset": 2},
        {"partition": PARTITION, "offset": 3},
    ]
    assert "dead_letter" in service.json(HELLO)
    assert service.json(HELLO)["dead_letter"] is None


def test_of_many_duplicates_the_table_names_the_first_ten(service: TracedService) -> None:
    for _ in range(13):
        service.append(message("hello", message_id=HELLO))
    service.work()
    assert service.table(HELLO)["duplicates"].endswith(f"{at(10)} and 2 more")
    duplicates = service.json(HELLO)["duplicates"]
    assert isinstance(duplicates, list)
    assert len(duplicates) == 12


def test_an_unknown_message_is_said_in_one_line(service: TracedService) -> None:
    service.append(message("hello"))
    service.work()
    with pytest.raises(UnknownMessage) as raised:
        service.report(HELLO)
    assert str(raised.value) == (
        f"there is no message {HELLO} in conversation {ALICE_BOB}: neither the log nor the store "
        "has it"
    )


def test_an_older_record_without_headers_says_what_is_unknown(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO), instance=b"", trace_id=b"")
    service.work()
    assert service.table(HELLO)["accepted"].endswith("Z  by an unknown instance")
    accepted = service.json(HELLO)["accepted"]
    assert isinstance(accepted, dict)
    assert (accepted["instance"], accepted["trace_id"]) == (None, None)


def test_headers_of_strangers_never_reach_a_terminal_raw(service: TracedService) -> None:
    service.append(
        message("hello", message_id=HELLO),
        instance=b"\x1b[31mred",
        trace_id=b"\xff" + b"x" * 9_999,
    )
    service.work()
    accepted = service.table(HELLO)["accepted"]
    assert "by \\x1b[31mred" in accepted
    assert "\x1b" not in accepted
    assert len(accepted) < 200


def test_users_without_a_name_are_shown_by_their_id(service: TracedService) -> None:
    event = message("hello", ALICE, CAROL, HELLO)
    service.append(message("hello", message_id=HELLO))
    service.users._users.clear()
    service.work()
    assert service.table(HELLO)["message"] == f"{HELLO}  {ALICE} to {BOB}  5 bytes"
    assert event.recipient_id == CAROL


def test_progress_is_told_between_reads(service: TracedService) -> None:
    service.append(message("hello", message_id=HELLO))
    for _ in range(2_500):
        service.append(message("more"))
    told: list[tuple[int, int]] = []
    service.report(HELLO, lambda done, total: told.append((done, total)))
    assert (1_000, 2_501) in told
    assert told == sorted(told)
