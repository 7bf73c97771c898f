"""The client of the API: what is repeated, and what is told."""

from collections import deque
from collections.abc import Mapping

import pytest

from angarium.client import bodies
from angarium.client.api_client import ApiClient, Caller
from angarium.client.bodies import AcceptedMessage, LogPosition
from angarium.client.errors import (
    ApiProblem,
    RequestFailed,
    ServerUnreachable,
    UnexpectedResponse,
)
from angarium.client.transport import Response
from tests.fakes.clock import ManualClock


def test_a_202_says_where_the_log_has_the_message_when_the_api_tells() -> None:
    told = '{"message_id": "m", "log": {"partition": 6, "offset": 41}}'
    assert bodies.accepted(told) == AcceptedMessage("m", told, LogPosition(6, 41))
    assert bodies.accepted('{"message_id": "m"}').position is None
    with pytest.raises(bodies.InvalidBody):
        bodies.accepted('{"message_id": "m", "log": {"partition": 6}}')


class Script:
    """A transport that gives or raises one thing after the other."""

    url = "http://x"

    def __init__(self, *answers: Response | RequestFailed) -> None:
        self.answers = deque(answers)
        self.bodies: list[Mapping[str, object] | None] = []

    def exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Response:
        assert method
        assert path
        assert ("Authorization" in headers) == (path != "/auth/token")
        self.bodies.append(body)
        answer = self.answers.popleft()
        if isinstance(answer, RequestFailed):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing to end."""


AWAY = ServerUnreachable("http://x", "connection refused")
ACCEPTED = Response(202, "Accepted", None, '{"message_id":"m"}')


def problem(status: int, code: str, retry_after: str | None = None) -> Response:
    return Response(status, "", retry_after, f'{{"code":"{code}","detail":"So.","trace_id":"ab"}}')


def client_of(script: Script, clock: ManualClock, patience: float = 4.0) -> ApiClient:
    return ApiClient(script, Caller("alice", "t"), patience, None, clock.monotonic, clock.sleep)


@pytest.mark.parametrize(
    "answer",
    [
        AWAY,
        problem(503, "log_unavailable"),
        problem(500, "internal_error"),
        problem(408, "request_timeout"),
        Response(502, "Bad Gateway", None, "<html>"),
    ],
)
def test_what_is_retryable_is_repeated_with_the_same_body(
    answer: Response | RequestFailed,
) -> None:
    script = Script(answer, answer, ACCEPTED)
    client_of(script, ManualClock()).send("c", "hi", "m")
    assert len(script.bodies) == 3
    assert script.bodies[0] == script.bodies[1] == script.bodies[2]


@pytest.mark.parametrize(
    "answer",
    [problem(400, "invalid_field"), problem(404, "not_found"), problem(501, "not_implemented")],
)
def test_what_is_not_retryable_is_not_repeated(answer: Response) -> None:
    script = Script(answer)
    with pytest.raises(ApiProblem, match="So"):
        client_of(script, ManualClock()).send("c", "hi", "m")


def test_a_send_that_something_else_answered_names_its_message() -> None:
    """The service behind a broken proxy may have accepted it."""
    with pytest.raises(UnexpectedResponse) as caught:
        client_of(Script(Response(200, "OK", None, "<html>")), ManualClock()).send("c", "hi", "m")
    assert caught.value.message_id == "m"


def test_patience_ends() -> None:
    clock = ManualClock()
    began = clock.monotonic()
    script = Script(*[AWAY] * 100)
    with pytest.raises(ServerUnreachable):
        client_of(script, clock).send("c", "hi", "m")
    assert 3.0 <= clock.monotonic() - began <= 4.0
    assert len(script.bodies) > 3


def test_without_patience_everything_is_tried_once() -> None:
    script = Script(AWAY)
    with pytest.raises(ServerUnreachable):
        client_of(script, ManualClock(), patience=0.0).send("c", "hi", "m")


def test_the_servers_wish_to_wait_is_kept() -> None:
    clock = ManualClock()
    began = clock.monotonic()
    client_of(Script(problem(503, "overloaded", "2"), ACCEPTED), clock).send("c", "hi", "m")
    assert clock.monotonic() - began == 2.0


@pytest.mark.parametrize("code", ["expired_token", "invalid_token", "missing_token"])
def test_a_refused_token_is_told_by_its_code(code: str) -> None:
    with pytest.raises(RequestFailed) as refused:
        client_of(Script(problem(401, code)), ManualClock()).inbox(1)
    failure = refused.value
    assert (failure.code, failure.status, failure.detail) == (code, 401, "So")
    assert failure.trace_id == "ab"
    assert failure.is_about_the_token
    assert not failure.retryable


def test_wrong_credentials_are_no_refused_token() -> None:
    client = ApiClient(Script(problem(401, "invalid_credentials")), None, 0.0)
    with pytest.raises(ApiProblem) as refused:
        client.log_in("alice", "guess")
    assert refused.value.code == "invalid_credentials"
    assert not refused.value.is_about_the_token


def test_a_login_sends_no_older_token() -> None:
    body = '{"access_token":"new","expires_in":60,"user_id":"i"}'
    script = Script(Response(200, "OK", None, body))
    assert client_of(script, ManualClock()).log_in("alice", "p").access_token == "new"
