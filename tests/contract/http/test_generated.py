"""Requests generated from the service's own description: whatever is
sent, the answer is as described.
"""

import copy
from typing import TypeAlias, cast

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings

from angarium.domain.identifiers import conversation_id_for, user_id_for
from tests.contract.http.client import Answer, Person, Request, Talk, Transport
from tests.contract.http.described import description, member
from tests.contract.http.services import WITHOUT_SERVERS, Service, opened_talk

Generated: TypeAlias = schemathesis.Case[schemathesis.APIOperation]  # type: ignore[type-arg]
NAMES = ("generated-one", "generated-other")
REAL = str(conversation_id_for(*(user_id_for(name) for name in NAMES)))
EXAMPLES = settings().max_examples // 6
"""An example is a request here, and each operation a test."""


CONFIG: dict[str, object] = {
    "seed": 1,
    "phases": {"coverage": {"unexpected-methods": ["DELETE", "OPTIONS", "PATCH", "PUT"]}},
    "checks": {
        # A busy machine may take too long, which is described and no
        # fault.
        "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},
        "negative_data_rejection": {"expected-statuses": ["4xx", "503"]},
        # Random ids and cursors are well-formed, but nobody's.
        "positive_data_acceptance": {"enabled": False},
        # These send more requests of their own; what they check is
        # written by hand elsewhere.
        "unsupported_method": {"enabled": False},
        "ignored_auth": {"enabled": False},
    },
}


def described() -> dict[str, object]:
    """Copy the description without its security: every request gets a
    token, and none makes one up.
    """
    document = cast("dict[str, object]", copy.deepcopy(description()))
    del document["security"]
    components = document["components"]
    assert isinstance(components, dict)
    del components["securitySchemes"]
    return document


def about_a_real_conversation() -> dict[str, object]:
    """Narrow the description, so that generated requests get past
    `conversation_not_found`.
    """
    narrowed = described()
    real = {"type": "string", "enum": [REAL, REAL.upper()]}
    parameter = member(narrowed, "components", "parameters", "conversation_id")
    properties = member(narrowed, "components", "schemas", "SendMessage", "properties")
    assert isinstance(parameter, dict)
    assert isinstance(properties, dict)
    parameter |= {"schema": real, "example": REAL}
    properties["conversation_id"] = real
    return narrowed


def schema_of(document: dict[str, object]) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(CONFIG))


whole = schema_of(described())
narrow = schema_of(about_a_real_conversation())
bounded = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="package")
def real_talk(service: Service) -> Talk:
    talk = opened_talk(service, *NAMES)
    assert talk.conversation_id == REAL
    for number in range(3):
        talk.say(f"message {number}")
    return talk


# The service's own threads draw their jitter while requests are
# generated.
unhurt_by_jitter = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module inside strategies"
)


# What is generated here is refused, or finds nothing, on any engine.
@pytest.mark.parametrize("service", WITHOUT_SERVERS, indirect=True, scope="package")
@unhurt_by_jitter
@whole.parametrize()
@bounded
def test_any_request_is_answered_as_described(
    case: Generated, service: Service, alice: Person
) -> None:
    check(case, service.transport, alice)


@unhurt_by_jitter
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
    case.validate_response(response(answer, prepared))


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
