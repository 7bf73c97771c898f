"""Requests generated from the service's own description: whatever is sent, the answer is as described."""

import copy
from typing import TypeAlias, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from angarium.domain.identifiers import conversation_id_for, user_id_for
from tests.contract.http.client import Answer, Person, Request, Talk, Transport
from tests.contract.http.described import description, member
from tests.contract.http.services import Service

Generated: TypeAlias = schemathesis.Case[schemathesis.APIOperation]  # type: ignore[type-arg]
NAMES = ("generated-one", "generated-other")
REAL = str(conversation_id_for(*(user_id_for(name) for name in NAMES)))
EXAMPLES = 20

# The first two send more requests of their own; what they check is written by hand elsewhere. The third
# takes random ids and cursors for acceptable ones.
LEFT_OUT = [checks.unsupported_method, checks.ignored_auth, checks.positive_data_acceptance]


def about_a_real_conversation() -> dict[str, object]:
    """Narrow the description, so that generated requests get past `conversation_not_found`."""
    narrowed = cast("dict[str, object]", copy.deepcopy(description()))
    components = narrowed["components"]
    real = {"type": "string", "enum": [REAL, REAL.upper()]}
    parameter = member(components, "parameters", "conversation_id")
    properties = member(components, "schemas", "SendMessage", "properties")
    assert isinstance(parameter, dict)
    assert isinstance(properties, dict)
    parameter |= {"schema": real, "example": REAL}
    properties["conversation_id"] = real
    return narrowed


whole = schemathesis.openapi.from_dict(dict(description()))
narrow = schemathesis.openapi.from_dict(about_a_real_conversation())
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="session")
def real_talk(service: Service) -> Talk:
    one, other = (service.person(name) for name in NAMES)
    opened = one.client.post("/v1/conversations", {"participant_ids": [str(other.user_id)]})
    talk = Talk(opened.text("conversation_id"), one, other)
    assert talk.conversation_id == REAL
    for number in range(3):
        talk.say(f"message {number}")
    return talk


@whole.parametrize()
@bounded
def test_any_request_is_answered_as_described(case: Generated, service: Service, alice: Person) -> None:
    check(case, service.transport, alice)


@narrow.include(path_regex="conversation_id|/v1/messages").parametrize()
@bounded
def test_any_request_in_a_real_conversation_is_answered_as_described(
    case: Generated, service: Service, real_talk: Talk
) -> None:
    check(case, service.transport, real_talk.one)


def check(case: Generated, transport: Transport, caller: Person) -> None:
    prepared = prepare(case, {"Authorization": f"Bearer {caller.token}"})
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    assert body is None or isinstance(body, bytes)
    fields = [(name, text(value)) for name, value in prepared.headers.items()]
    answer = transport(Request(text(prepared.method), text(prepared.path_url), fields, body))
    case.validate_response(response(answer, prepared), excluded_checks=LEFT_OUT)


def prepare(case: Generated, headers: dict[str, str]) -> requests.PreparedRequest:
    wanted = case.as_transport_kwargs(base_url="http://angarium", headers=headers)
    known = ("method", "url", "headers", "params", "data", "json", "cookies")
    return requests.Request(**{name: wanted[name] for name in known if name in wanted}).prepare()


def response(answer: Answer, prepared: requests.PreparedRequest) -> schemathesis.Response:
    names = {"content-type", *(name.lower() for name in described_headers())}
    headers = {name: list(answer.headers.all(name)) for name in names if answer.headers.all(name)}
    return schemathesis.Response(answer.status, headers, answer.body, prepared, 0.0, True)


def described_headers() -> list[str]:
    headers = member(description(), "components", "headers")
    assert isinstance(headers, dict)
    return list(headers)


def text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
