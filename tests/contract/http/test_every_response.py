"""docs/http.md, "Every response"."""

import json
import re
from urllib.parse import quote

import pytest

from angarium.api.interface import BodyRule
from angarium.api.routes import ROUTES, Route
from tests.contract.http.client import Client, Person, Talk, refused, wrong_fields
from tests.contract.http.services import WITHOUT_SERVERS

pytestmark = pytest.mark.parametrize("service", WITHOUT_SERVERS, indirect=True, scope="package")


TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"

GUARDED = [route for route in ROUTES if route.wants_token]
WITH_BODY = [route for route in ROUTES if route.body_rule is not BodyRule.NONE]


def path_of(route: Route) -> str:
    path = re.sub(r"\{\w+\}", SOME_ID, route.template)
    return f"{path}?username=alice" if path == "/v1/users" else path


def name_of(route: Route) -> str:
    return f"{route.method} {route.template}"


def test_a_trace_id_is_minted_when_none_was_sent(stranger: Client) -> None:
    first, second = (stranger.get("/health/live").headers.get("x-trace-id") for _ in range(2))
    assert first != second


def test_the_trace_id_of_traceparent_is_taken(stranger: Client) -> None:
    answer = stranger.get("/health/live", [("traceparent", PARENT)])
    assert answer.headers.get("x-trace-id") == TRACE


def test_a_trace_id_is_taken_in_any_case_and_answered_in_lower_case(stranger: Client) -> None:
    answer = stranger.get("/health/live", [("X-Trace-Id", TRACE.upper())])
    assert answer.headers.get("x-trace-id") == TRACE


def test_of_both_the_traceparent_is_taken(stranger: Client) -> None:
    answer = stranger.get("/health/live", [("X-Trace-Id", OTHER_TRACE), ("traceparent", PARENT)])
    assert answer.headers.get("x-trace-id") == TRACE


@pytest.mark.parametrize("value", ["", "x", TRACE[1:], f"{TRACE}0", f"g{TRACE[1:]}"])
def test_a_malformed_trace_id_is_not_taken(stranger: Client, value: str) -> None:
    answer = stranger.get("/health/live", [("X-Trace-Id", value)])
    assert answer.headers.get("x-trace-id") != value


def test_an_error_carries_the_requests_trace_id(stranger: Client) -> None:
    answer = stranger.get("/nowhere", [("X-Trace-Id", TRACE)])
    assert refused(answer) == (404, "not_found")
    assert answer.at("trace_id") == TRACE


def test_an_error_is_a_problem_document_with_exactly_the_contracts_members(
    stranger: Client,
) -> None:
    answer = stranger.get("/nowhere")
    assert set(answer.document()) == {"type", "title", "status", "detail", "code", "trace_id"}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/v1",
        "/v1/users/me/",
        "/v1/messages/",
        "/auth/token/",
        "/health/live/",
        "//v1/inbox",
    ],
)
def test_an_unknown_path_is_404_a_trailing_slash_too(stranger: Client, path: str) -> None:
    assert refused(stranger.get(path)) == (404, "not_found")
    assert refused(stranger.send("OPTIONS", path)) == (404, "not_found")


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_method_that_a_path_does_not_take_is_405_before_the_token(
    stranger: Client, route: Route, method: str
) -> None:
    answer = stranger.send(method, path_of(route), body=b"")
    assert refused(answer) == (405, "method_not_allowed")
    allowed = (answer.headers.get("allow") or "").split(", ")
    assert route.method in allowed
    assert "OPTIONS" in allowed
    assert method not in allowed


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_options_tells_the_methods_without_a_token(stranger: Client, route: Route) -> None:
    answer = stranger.send("OPTIONS", path_of(route))
    assert answer.status == 204
    assert answer.body == b""
    allowed = (answer.headers.get("allow") or "").split(", ")
    assert {route.method, "OPTIONS"} <= set(allowed)
    assert ("HEAD" in allowed) is ("GET" in allowed)


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method == "GET"], ids=name_of
)
def test_head_works_where_get_does(alice: Person, route: Route) -> None:
    got = alice.client.get(path_of(route))
    headed = alice.client.send("HEAD", path_of(route))
    assert headed.status == got.status
    assert headed.headers.get("content-type") == got.headers.get("content-type")
    assert headed.body == b""


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method != "GET"], ids=name_of
)
def test_head_is_405_where_get_is(alice: Person, route: Route) -> None:
    if route.template != "/v1/conversations":
        assert alice.client.send("HEAD", path_of(route)).status == 405


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_guarded_path_wants_a_token_before_it_looks_at_the_body(
    stranger: Client, route: Route
) -> None:
    answer = stranger.send(route.method, path_of(route), [("Content-Type", "text/plain")], b"{")
    assert refused(answer) == (401, "missing_token")


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
def test_a_body_without_a_length_is_411(alice: Person, route: Route) -> None:
    answer = alice.client.send("POST", path_of(route), [("Content-Type", "text/plain")])
    assert refused(answer) == (411, "length_required")


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_body_over_64_kib_is_413_before_its_type(alice: Person, route: Route) -> None:
    fields = [("Content-Type", "text/plain"), ("Content-Length", "65537")]
    answer = alice.client.send(route.method, path_of(route), fields)
    assert refused(answer) == (413, "body_too_large")


def test_a_body_of_64_kib_is_read(talk: Talk) -> None:
    document = {"conversation_id": talk.conversation_id, "content": "big", "ignored": ""}
    padding = 65_536 - len(json.dumps(document))
    body = json.dumps({**document, "ignored": "x" * padding}).encode()
    assert len(body) == 65_536
    assert talk.one.client.post_bytes("/v1/messages", body).status == 202


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x"]
)
def test_another_media_type_is_415_before_the_body_is_read(
    alice: Person, route: Route, media_type: str
) -> None:
    answer = alice.client.post_bytes(path_of(route), b"{", [("Content-Type", media_type)])
    assert refused(answer) == (415, "unsupported_media_type")


def test_a_form_is_for_the_login_alone(alice: Person) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    answer = alice.client.post_bytes("/v1/messages", b"content=a", form)
    assert refused(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("fields", [[], [("Content-Type", "application/json; charset=UTF-8")]])
def test_no_content_type_reads_as_json(talk: Talk, fields: list[tuple[str, str]]) -> None:
    body = json.dumps({"conversation_id": talk.conversation_id, "content": "ü"}).encode()
    assert talk.one.client.post_bytes("/v1/messages", body, fields).status == 202


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        b'{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    ],
    ids=[
        "empty",
        "cut",
        "array",
        "null",
        "string",
        "key twice",
        "inner key twice",
        "nan",
        "latin",
        "deep",
    ],
)
def test_what_is_no_json_object_is_malformed_json(
    alice: Person, route: Route, body: bytes
) -> None:
    assert refused(alice.client.post_bytes(path_of(route), body)) == (400, "malformed_json")


def test_the_body_is_read_before_the_path_is_looked_at_closely(alice: Person) -> None:
    answer = alice.client.post_bytes("/v1/conversations/x/receipts", b"{")
    assert refused(answer) == (400, "malformed_json")


def test_several_wrong_fields_are_told_at_once_with_the_first_code_of_the_contract(
    alice: Person,
) -> None:
    document = {"content": " ", "conversation_id": "x", "message_id": "y", "sender_id": SOME_ID}
    answer = alice.client.post("/v1/messages", document)
    assert refused(answer) == (400, "invalid_conversation_id")
    assert wrong_fields(answer) == ["conversation_id", "sender_id", "content", "message_id"]


def test_a_missing_field_comes_before_a_wrong_one(alice: Person) -> None:
    answer = alice.client.post("/v1/messages", {"conversation_id": "x"})
    assert refused(answer) == (400, "missing_field")
    assert wrong_fields(answer) == ["content", "conversation_id"]


def test_several_wrong_fields_are_400_whatever_each_is_alone(talk: Talk) -> None:
    too_large, not_the_caller = "x" * 10_241, str(talk.other.user_id)
    assert refused(talk.send(too_large)) == (413, "content_too_large")
    assert refused(talk.send("a", sender_id=not_the_caller)) == (403, "sender_mismatch")
    assert refused(talk.send(too_large, sender_id=not_the_caller)) == (400, "sender_mismatch")


def test_wrong_parameters_and_ids_of_a_path_are_told_at_once(alice: Person) -> None:
    query = "limit=0&order=up&since_timestamp=now"
    answer = alice.client.get(f"/v1/conversations/x/messages?{query}")
    assert refused(answer) == (400, "invalid_conversation_id")
    assert wrong_fields(answer) == ["conversation_id", "limit", "order", "since_timestamp"]


@pytest.mark.parametrize("route", GUARDED, ids=name_of)
def test_a_parameter_that_a_path_does_not_know_is_refused_on_any_method(
    alice: Person, route: Route
) -> None:
    path, _, query = path_of(route).partition("?")
    body = b"{}" if route.body_rule is not BodyRule.NONE else None
    methods = ["GET", "HEAD"] if route.method == "GET" else [route.method]
    for method in methods:
        answer = alice.client.send(method, f"{path}?{query}&limt=1", body=body)
        assert answer.status == 400
        if method != "HEAD":
            listed = answer.document().get(
                "errors", [{"field": "limt", "detail": answer.at("detail")}]
            )
            (told,) = [each for each in listed if each["field"] == "limt"]  # type: ignore[attr-defined]
            assert '"limt" is not a query parameter of this path' in told["detail"]
            for known in route.query or ("takes none",):
                assert known in told["detail"]


def test_what_a_path_knows_is_known_with_any_method(alice: Person, bob: Person) -> None:
    document = {"participant_ids": [str(bob.user_id)]}
    assert alice.client.post("/v1/conversations?limit=5", document).status == 201


def test_unknown_parameters_and_wrong_fields_are_told_at_once(alice: Person) -> None:
    answer = alice.client.post("/v1/messages?a=1&b", {"conversation_id": "x", "content": "a"})
    assert refused(answer) == (400, "unknown_parameter")
    assert wrong_fields(answer) == ["a", "b", "conversation_id"]


def test_an_unknown_parameter_comes_after_the_body_was_read(alice: Person) -> None:
    assert refused(alice.client.post_bytes("/v1/messages?a=1", b"{")) == (400, "malformed_json")


def test_of_many_unknown_parameters_a_few_are_told(alice: Person) -> None:
    query = "&".join(f"p{number}={'x' * 20}" for number in range(200))
    answer = alice.client.get(f"/v1/inbox?{query}")
    assert refused(answer) == (400, "unknown_parameter")
    assert len(answer.rows("errors")) == 8
    assert "192 more are not listed" in str(answer.rows("errors")[-1]["detail"])
    assert all("more" not in str(each["detail"]) for each in answer.rows("errors")[:-1])


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/openapi.json", "/problems"])
def test_elsewhere_unknown_parameters_are_ignored(stranger: Client, path: str) -> None:
    assert stranger.get(f"{path}?cache=1").status in (200, 503)


def test_fields_are_checked_before_existence(alice: Person) -> None:
    answer = alice.client.get(f"/v1/conversations/{SOME_ID}/messages?limit=0")
    assert refused(answer) == (400, "invalid_limit")


@pytest.mark.parametrize("value", [7, 1.5, True, [], {}])
def test_a_wrong_type_is_an_invalid_field(talk: Talk, value: object) -> None:
    for name in ("conversation_id", "content", "sender_id", "recipient_id", "message_id"):
        document = {"conversation_id": talk.conversation_id, "content": "a", name: value}
        assert refused(talk.one.client.post("/v1/messages", document)) == (400, "invalid_field")


def test_null_reads_as_missing(talk: Talk) -> None:
    assert (
        talk.send("a", sender_id=None, recipient_id=None, message_id=None, text=None).status == 202
    )
    document = {"conversation_id": None, "content": "a"}
    assert refused(talk.one.client.post("/v1/messages", document)) == (400, "missing_field")


def test_unknown_fields_are_ignored(talk: Talk) -> None:
    assert talk.send("a", priority=7, sender_name=["x"]).status == 202


def test_a_number_of_many_digits_in_an_unknown_field_is_ignored(talk: Talk) -> None:
    body = f'{{"conversation_id": "{talk.conversation_id}", "content": "a", "n": {"1" * 5000}}}'
    assert talk.one.client.post_bytes("/v1/messages", body.encode()).status == 202


def test_ids_are_read_in_any_case_and_shown_in_lower_case(talk: Talk) -> None:
    shown = talk.one.client.get(f"/v1/conversations/{talk.conversation_id.upper()}")
    assert shown.text("conversation_id") == talk.conversation_id
    sent = talk.one.client.post(
        "/v1/messages",
        {
            "conversation_id": talk.conversation_id.upper(),
            "content": "a",
            "sender_id": str(talk.one.user_id).upper(),
            "recipient_id": str(talk.other.user_id).upper(),
            "message_id": SOME_ID.upper(),
        },
    )
    assert sent.status == 202
    assert sent.text("conversation_id") == talk.conversation_id
    assert sent.text("message_id") == SOME_ID
    assert sent.headers.get("location") == f"{talk.path}/messages/{SOME_ID}"


def test_a_percent_encoded_path_is_the_path(talk: Talk) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in talk.conversation_id.encode())
    assert talk.one.client.get(f"/v1/%63onversations/{encoded}").text("conversation_id") == (
        talk.conversation_id
    )


def test_a_percent_encoded_slash_divides_nothing(alice: Person) -> None:
    answer = alice.client.get(f"/v1/conversations/{quote('a/messages', safe='')}")
    assert refused(answer) == (400, "invalid_conversation_id")


def test_a_value_is_shown_back_shortened(alice: Person) -> None:
    answer = alice.client.get(f"/v1/conversations/{'x' * 2000}")
    assert refused(answer) == (400, "invalid_conversation_id")
    assert "xxx" in answer.text("detail")
    assert len(answer.text("detail")) < 200


def test_a_text_is_never_shown_back(talk: Talk) -> None:
    for content in ("secret words\x00", "secret words" * 1000):
        assert b"secret" not in talk.send(content).body
