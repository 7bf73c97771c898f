"""docs/http.md, "POST /v1/conversations/{conversation_id}/receipts",
and its short form.
"""

from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest

from tests.contract.http.client import Answer, Talk, refused, wrong_fields
from tests.waiting import until


def confirm(talk: Talk, message_ids: Sequence[str], status: object = "DELIVERED") -> Answer:
    document = {"status": status, "message_ids": list(message_ids)}
    return talk.other.client.post(f"{talk.path}/receipts", document)


def delivered(talk: Talk, message_id: str) -> Mapping[str, object]:
    until(lambda: talk.message(message_id).at("status") == "DELIVERED", "storing the receipt")
    return talk.message(message_id).document()


def test_the_recipient_confirms_and_the_message_is_delivered(talk: Talk) -> None:
    message_id = talk.say("a")
    answer = confirm(talk, [message_id])
    assert answer.status == 202
    assert answer.document() == {"accepted": 1}
    shown = delivered(talk, message_id)
    assert str(shown["delivered_at"]) >= str(shown["timestamp"])


def test_the_short_form_confirms_one_message_without_a_body(talk: Talk) -> None:
    message_id = talk.say("a")
    answer = talk.other.client.post(f"{talk.path}/messages/{message_id.upper()}/delivered")
    assert answer.status == 202
    assert answer.document() == {"accepted": 1}
    delivered(talk, message_id)


@pytest.mark.parametrize("body", [b"", b"{", b"anything"])
def test_a_body_of_the_short_form_is_ignored(talk: Talk, body: bytes) -> None:
    path = f"{talk.path}/messages/{talk.say('a')}/delivered"
    assert talk.other.client.post_bytes(path, body, [("Content-Type", "text/plain")]).status == 202


def test_repeating_a_receipt_changes_nothing(talk: Talk) -> None:
    message_id = talk.say("a")
    confirm(talk, [message_id])
    first = delivered(talk, message_id)
    assert confirm(talk, [message_id]).status == 202
    talk.say("the end")
    assert talk.message(message_id).document() == first


def test_distinct_ids_are_counted(talk: Talk) -> None:
    ids = [talk.say("a"), talk.say("b")]
    assert confirm(talk, [*ids, ids[0].upper()]).document() == {"accepted": 2}
    for message_id in ids:
        delivered(talk, message_id)


def test_up_to_100_ids_are_taken(talk: Talk) -> None:
    ids = [talk.send("a").text("message_id") for _ in range(99)] + [talk.say("the last")]
    assert confirm(talk, ids).document() == {"accepted": 100}
    delivered(talk, ids[0])
    delivered(talk, ids[-1])


@pytest.mark.parametrize("count", [0, 101])
def test_no_ids_or_more_than_100_are_an_invalid_field(talk: Talk, count: int) -> None:
    answer = confirm(talk, [str(uuid4()) for _ in range(count)])
    assert refused(answer) == (400, "invalid_field")


@pytest.mark.parametrize("value", ["x", {}, 7, [7], [None], ["x"], [""]])
def test_ids_of_a_wrong_shape_are_an_invalid_field(talk: Talk, value: object) -> None:
    document = {"status": "DELIVERED", "message_ids": value}
    answer = talk.other.client.post(f"{talk.path}/receipts", document)
    assert refused(answer) == (400, "invalid_field")


@pytest.mark.parametrize("status", ["READ", "SENT", "PENDING", "delivered", ""])
def test_any_other_status_is_invalid(talk: Talk, status: str) -> None:
    assert refused(confirm(talk, [talk.say("a")], status)) == (400, "invalid_status")


def test_a_status_of_a_wrong_type_is_an_invalid_field(talk: Talk) -> None:
    assert refused(confirm(talk, [str(uuid4())], 7)) == (400, "invalid_field")


def test_everything_missing_is_told_at_once(talk: Talk) -> None:
    answer = talk.other.client.post("/v1/conversations/x/receipts", {})
    assert refused(answer) == (400, "missing_field")
    assert wrong_fields(answer) == ["status", "message_ids", "conversation_id"]


def test_a_message_of_ones_own_cannot_be_confirmed(talk: Talk) -> None:
    message_id = talk.say("a", talk.other)
    assert refused(confirm(talk, [message_id])) == (403, "not_recipient")
    short = talk.other.client.post(f"{talk.path}/messages/{message_id}/delivered")
    assert refused(short) == (403, "not_recipient")


def test_a_message_that_is_not_there_cannot_be_confirmed(talk: Talk) -> None:
    assert refused(confirm(talk, [str(uuid4())])) == (404, "message_not_found")
    short = talk.other.client.post(f"{talk.path}/messages/{uuid4()}/delivered")
    assert refused(short) == (404, "message_not_found")


@pytest.mark.parametrize("own", [True, False])
def test_one_bad_id_and_none_is_recorded(talk: Talk, own: bool) -> None:
    good = talk.say("a")
    bad = talk.say("b", talk.other) if own else str(uuid4())
    expected = (403, "not_recipient") if own else (404, "message_not_found")
    assert refused(confirm(talk, [good, bad])) == expected
    talk.say("the end")
    assert talk.message(good).at("status") != "DELIVERED"


@pytest.mark.parametrize(
    ("conversation", "code"), [("x", "invalid_conversation_id"), (None, "invalid_message_id")]
)
def test_the_short_forms_ids_are_checked(talk: Talk, conversation: str | None, code: str) -> None:
    path = f"/v1/conversations/{conversation or talk.conversation_id}/messages/"
    message_id = str(uuid4()) if conversation else "y"
    assert refused(talk.other.client.post(f"{path}{message_id}/delivered")) == (400, code)
