"""docs/http.md, "POST /v1/messages"."""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid4, uuid5

import pytest

from tests.contract.http.client import Answer, Person, Talk, refused, wrong_fields
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"


def post(person: Person, document: Mapping[str, object]) -> tuple[int, str]:
    return refused(person.client.post("/v1/messages", document))


def number(answer: Answer, *path: str) -> int:
    value = answer.at(*path)
    assert isinstance(value, int)
    return value


def test_an_accepted_message_is_202_with_its_location(talk: Talk) -> None:
    answer = talk.send("Hello")
    assert answer.status == 202
    members = {"message_id", "conversation_id", "status", "accepted_at", "log", "trace_id"}
    assert set(answer.document()) == members
    assert answer.at("conversation_id") == talk.conversation_id
    assert answer.at("status") == "ACCEPTED"
    assert answer.headers.get("location") == f"{talk.path}/messages/{answer.text('message_id')}"


def test_the_answer_says_where_in_the_log_this_record_lies(talk: Talk) -> None:
    message_id = str(uuid4())
    first, again = (talk.send("a", message_id=message_id) for _ in range(2))
    for answer in (first, again):
        assert set(answer.at("log")) == {"partition", "offset"}  # type: ignore[call-overload]
    assert first.at("log", "partition") == again.at("log", "partition")
    assert number(first, "log", "offset") < number(again, "log", "offset")


def test_the_trace_id_of_the_request_is_in_the_answer(talk: Talk) -> None:
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    answer = talk.one.client.post("/v1/messages", document, [("X-Trace-Id", TRACE)])
    assert answer.at("trace_id") == TRACE == answer.headers.get("x-trace-id")


def test_the_location_is_where_the_message_will_be(talk: Talk) -> None:
    location = talk.send("Hello").headers.get("location") or ""
    until(lambda: talk.one.client.get(location).status == 200, "storing the message")
    assert talk.one.client.get(location).at("content") == "Hello"


def test_a_minted_id_is_a_version_7_uuid(talk: Talk) -> None:
    assert UUID(talk.send("a").text("message_id")).version == 7


def test_a_stored_message_shows_who_wrote_what_to_whom(talk: Talk) -> None:
    shown = talk.message(talk.say("Hello")).document()
    assert set(shown) == {
        "message_id",
        "conversation_id",
        "sender_id",
        "recipient_id",
        "content",
        "timestamp",
        "status",
        "delivered_at",
    }
    assert shown["sender_id"] == str(talk.one.user_id)
    assert shown["recipient_id"] == str(talk.other.user_id)
    assert shown["delivered_at"] is None


def test_a_message_is_stored_at_the_logs_time(talk: Talk) -> None:
    answer = talk.send("a")
    message_id = answer.text("message_id")
    until(lambda: talk.message(message_id).status == 200, "storing the message")
    assert talk.message(message_id).text("timestamp") >= answer.text("accepted_at")


def test_a_message_to_somebody_offline_is_pending_and_to_somebody_online_sent(talk: Talk) -> None:
    assert talk.message(talk.say("before")).at("status") == "PENDING"
    assert talk.other.client.get("/v1/users/me").status == 200
    until(
        lambda: talk.message(talk.say("after")).at("status") == "SENT",
        "noting the recipient as online",
    )


@pytest.mark.parametrize(
    "content",
    [
        " leading and trailing ",
        "line\nbreaks\r\nand\ttabs",
        "\x01\x7f\x85\u2028",
        "e\u0301 is not \u00e9",
        "\ufeffmark",
        "日本語 العربية हिन्दी 🧑‍🚀",
        '"quotes" \\ and <b>tags</b> &amp;',
        "\uffff\U0010ffff",
        ".",
    ],
)
def test_a_text_comes_back_byte_for_byte(talk: Talk, content: str) -> None:
    assert talk.message(talk.say(content)).at("content") == content


def test_a_text_has_at_most_10240_bytes_of_utf_8(talk: Talk) -> None:
    assert talk.send("x" * 10_240).status == 202
    assert refused(talk.send("x" * 10_241)) == (413, "content_too_large")
    assert talk.send("é" * 5_120).status == 202
    assert refused(talk.send("é" * 5_121)) == (413, "content_too_large")
    assert talk.message(talk.say("🧑" * 2_560)).at("content") == "🧑" * 2_560


@pytest.mark.parametrize("content", ["", " ", "\n\t\r ", "\u00a0\u2003\u3000"])
def test_an_empty_text_is_refused(talk: Talk, content: str) -> None:
    assert refused(talk.send(content)) == (400, "empty_content")


@pytest.mark.parametrize("content", ["a\x00b", "\x00", "a\ud800b", "\udc00\ud800"])
def test_what_cannot_be_carried_is_invalid_content(talk: Talk, content: str) -> None:
    assert refused(talk.send(content)) == (400, "invalid_content")


def test_the_other_names_of_the_fields_are_accepted(talk: Talk) -> None:
    answer = talk.one.client.post(
        "/v1/messages",
        {
            "conversation_id": talk.conversation_id,
            "text": "a",
            "sender": str(talk.one.user_id),
            "recipient": str(talk.other.user_id),
        },
    )
    assert answer.status == 202


def test_both_names_with_one_value_are_one_field(talk: Talk) -> None:
    assert talk.send("a", text="a", sender=None, sender_id=str(talk.one.user_id)).status == 202


def test_both_names_with_one_id_in_different_case_are_one_field(talk: Talk) -> None:
    one, other = str(talk.one.user_id), str(talk.other.user_id)
    ids = {
        "sender_id": one,
        "sender": one.upper(),
        "recipient_id": other.upper(),
        "recipient": other,
    }
    assert talk.send("a", **ids).status == 202


def test_both_names_with_texts_that_are_ids_in_different_case_are_an_invalid_field(
    talk: Talk,
) -> None:
    text = str(talk.one.user_id)
    assert text != text.upper()
    assert refused(talk.send(text, text=text.upper())) == (400, "invalid_field")


def test_both_names_with_two_texts_that_are_no_ids_are_an_invalid_field(talk: Talk) -> None:
    assert refused(talk.send("a", recipient_id="bob", recipient="BOB")) == (400, "invalid_field")
    assert refused(talk.send("a", recipient_id="bob", recipient=7)) == (400, "invalid_field")


def test_both_names_with_two_values_are_an_invalid_field(talk: Talk) -> None:
    one, other = str(talk.one.user_id), str(talk.other.user_id)
    assert refused(talk.send("a", text="b")) == (400, "invalid_field")
    assert refused(talk.send("a", sender_id=one, sender=other)) == (400, "invalid_field")
    assert refused(talk.send("a", recipient_id=other, recipient=one)) == (400, "invalid_field")


@pytest.mark.parametrize("name", ["sender_id", "sender"])
def test_the_sender_must_be_the_caller(talk: Talk, name: str) -> None:
    assert talk.send("a", **{name: str(talk.one.user_id)}).status == 202
    assert refused(talk.send("a", **{name: str(talk.other.user_id)})) == (403, "sender_mismatch")
    assert refused(talk.send("a", **{name: "alice"})) == (403, "sender_mismatch")


@pytest.mark.parametrize("name", ["recipient_id", "recipient"])
def test_the_recipient_must_be_the_other_participant(talk: Talk, name: str) -> None:
    assert talk.send("a", **{name: str(talk.other.user_id)}).status == 202
    for value in (str(talk.one.user_id), str(uuid4()), "bob"):
        assert refused(talk.send("a", **{name: value})) == (400, "recipient_mismatch")


def test_the_recipient_is_checked_once_the_conversation_is_found(talk: Talk) -> None:
    document = {
        "conversation_id": str(uuid4()),
        "content": "a",
        "recipient_id": str(talk.one.user_id),
    }
    assert post(talk.one, document) == (404, "conversation_not_found")


def test_a_conversation_that_is_no_uuid_is_refused_before_anything_is_published(
    talk: Talk,
) -> None:
    for value in ("", "x", talk.conversation_id[:-1], talk.conversation_id.replace("-", "")):
        document = {"conversation_id": value, "content": "a"}
        assert post(talk.one, document) == (400, "invalid_conversation_id")
    assert talk.history().at("messages") == []


def test_a_message_needs_a_conversation_and_a_text(talk: Talk) -> None:
    answer = talk.one.client.post("/v1/messages", {})
    assert refused(answer) == (400, "missing_field")
    assert wrong_fields(answer) == ["conversation_id", "content"]


def test_a_clients_own_id_is_the_messages_id(talk: Talk) -> None:
    message_id = str(uuid4())
    assert talk.send("a", message_id=message_id).at("message_id") == message_id


def test_a_retry_with_the_same_id_is_one_message_and_the_first_text_stands(talk: Talk) -> None:
    message_id = str(uuid4())
    first, second = talk.send("a", message_id=message_id), talk.send("b", message_id=message_id)
    assert first.status == second.status == 202
    assert first.headers.get("location") == second.headers.get("location")
    talk.say("the end")
    assert talk.history().column("messages", "content") == ["a", "the end"]


def test_an_id_of_the_other_participant_harms_only_its_sender(talk: Talk) -> None:
    message_id = talk.say("mine")
    assert talk.send("theirs", talk.other, message_id=message_id).status == 202
    talk.say("the end")
    assert talk.history().column("messages", "content") == ["mine", "the end"]


def test_one_id_in_two_conversations_is_two_messages(
    talk: Talk, newcomer: Callable[[str], Person]
) -> None:
    carol = newcomer("carol")
    opened = talk.one.client.post("/v1/conversations", {"participant_ids": [str(carol.user_id)]})
    elsewhere = Talk(opened.text("conversation_id"), talk.one, carol)
    message_id = talk.say("here")
    assert elsewhere.say("there", message_id=message_id) == message_id
    assert talk.message(message_id).at("content") == "here"
    assert elsewhere.message(message_id).at("content") == "there"


@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_an_idempotency_key_is_another_name_of_the_id(talk: Talk, form: str) -> None:
    message_id = str(uuid4())
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    key = ("Idempotency-Key", form.format(message_id.upper()))
    assert talk.one.client.post("/v1/messages", document, [key]).at("message_id") == message_id
    both = {**document, "message_id": message_id}
    assert talk.one.client.post("/v1/messages", both, [key]).at("message_id") == message_id


KEYS = ["a", "order 17/2", "~!#", '"', "'", "x" * 255, "01890a5dac96774bbcceb302099a8057"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("form", ["{}", '"{}"'])
def test_any_other_key_stands_for_an_id_made_from_it(talk: Talk, key: str, form: str) -> None:
    scope, sender = UUID(talk.conversation_id), talk.one.user_id
    document = {"conversation_id": talk.conversation_id.upper(), "content": "a"}
    sent = talk.one.client.post("/v1/messages", document, [("Idempotency-Key", form.format(key))])
    assert sent.at("message_id") == str(uuid5(scope, f"{sender}:{key}"))
    both = {**document, "message_id": sent.text("message_id").upper()}
    again = talk.one.client.post("/v1/messages", both, [("Idempotency-Key", key)])
    assert again.at("message_id") == sent.at("message_id")


def test_one_key_of_two_people_is_two_messages(talk: Talk) -> None:
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    ids = {
        person.client.post("/v1/messages", document, [("Idempotency-Key", "1")]).text("message_id")
        for person in (talk.one, talk.other)
    }
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "tab\there", "caf\u00e9"])
def test_what_is_no_key_is_invalid(talk: Talk, key: str) -> None:
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    answer = talk.one.client.post("/v1/messages", document, [("Idempotency-Key", key)])
    assert refused(answer) == (400, "invalid_message_id")


def test_a_key_in_a_conversation_that_is_no_uuid_is_not_told_to_differ(talk: Talk) -> None:
    document = {"conversation_id": "x", "content": "a", "message_id": str(uuid4())}
    answer = talk.one.client.post("/v1/messages", document, [("Idempotency-Key", "1")])
    assert refused(answer) == (400, "invalid_conversation_id")
    assert "errors" not in answer.document()


def test_a_key_and_an_id_that_differ_are_invalid(talk: Talk) -> None:
    document = {
        "conversation_id": talk.conversation_id,
        "content": "a",
        "message_id": str(uuid4()),
    }
    answer = talk.one.client.post("/v1/messages", document, [("Idempotency-Key", str(uuid4()))])
    assert refused(answer) == (400, "invalid_message_id")


def test_two_keys_that_differ_are_invalid(talk: Talk) -> None:
    document = {"conversation_id": talk.conversation_id, "content": "a"}
    keys = [("Idempotency-Key", str(uuid4())), ("Idempotency-Key", str(uuid4()))]
    assert refused(talk.one.client.post("/v1/messages", document, keys)) == (
        400,
        "invalid_message_id",
    )


@pytest.mark.parametrize("value", ["", "1", "not-a-uuid", "01890a5dac96774bbcceb302099a8057"])
def test_an_id_that_is_no_uuid_is_invalid(talk: Talk, value: str) -> None:
    assert refused(talk.send("a", message_id=value)) == (400, "invalid_message_id")


def test_messages_sent_one_after_the_other_stay_in_order(talk: Talk) -> None:
    texts = [f"message {number}" for number in range(30)]
    for number, text in enumerate(texts):
        assert talk.send(text, talk.one if number % 2 else talk.other).status == 202
    talk.say("the end")
    assert talk.history("limit=100").column("messages", "content") == [*texts, "the end"]
