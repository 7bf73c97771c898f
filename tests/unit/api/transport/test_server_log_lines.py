"""What the server writes to its log: the ids of each request, and nothing of what it carries."""

import contextlib
from collections.abc import Iterator

import pytest

from angarium.api.application import MessagingApplication
from tests.contract.http.parts import application as api_of
from tests.contract.http.services import memory_parts
from tests.fakes.raw_client import RawClient, get, post, request
from tests.fakes.serving import Running, serving
from tests.unit.services.log_lines import LogLines, captured

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACED = f"X-Trace-Id: {TRACE}"
CHUNKED = "Transfer-Encoding: chunked"
LOGIN = b'{"username":"bob","password":"S3CRET"}\r\n'
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as written:
        yield written


@pytest.fixture
def api() -> MessagingApplication:
    return api_of(memory_parts())


@pytest.fixture
def running(api: MessagingApplication) -> Iterator[Running]:
    with serving(api) as server:
        yield server


@pytest.fixture
def client(running: Running) -> Iterator[RawClient]:
    with RawClient(running.url) as connected:
        yield connected


def access_lines(lines: LogLines) -> list[tuple[object, object, object, object]]:
    names = ("method", "path", "status", "trace_id")
    return [(line["method"], line["path"], line["status"], line["trace_id"]) for line in lines.of("request")]


def read_to_the_end(client: RawClient) -> None:
    with contextlib.suppress(ConnectionResetError):
        while client.socket.recv(65_536):
            pass


SECRETS = {
    "a chunk of a refused method": request("PUT", "/auth/token", CHUNKED) + LOGIN,
    "a chunk without a token": request("POST", "/v1/messages", CHUNKED) + LOGIN,
    "a chunk of an accepted head": request("POST", "/auth/token", CHUNKED) + LOGIN,
    "a trailer": request("PUT", "/auth/token", CHUNKED) + b"0\r\n" + LOGIN,
    "a method": request("S3CRET", "/v1/messages"),
    "a method and no host": b"S3CRET /v1/messages HTTP/1.1\r\n\r\n",
    "a body behind its length": request("PUT", "/auth/token", "Content-Length: 3") + b"my S3CRET" + get("/"),
    "a body without a length": request("PUT", "/auth/token") + b"S3CRET" + get("/health/live"),
    "a target": get("/v1/users?username=S3CRET", "Host: twice"),
    "a path": get("/S3CRET/S3CRET"),
    "an id": get("/v1/conversations/S3CRET/messages", "Authorization: Bearer S3CRET"),
    "a query": get("/v1/inbox?access_token=S3CRET", "Authorization: Bearer S3CRET"),
    "a request's line": b"GET /v1/inbox?S3CRET HTTP/9\r\n\r\n",
    "a space in a target": get("/v1/inbox? S3CRET"),
    "a field without a colon": get("/v1/inbox", "Authorization Bearer S3CRET"),
    "a space before a colon": get("/v1/inbox", "Authorization : Bearer S3CRET"),
    "a folded field": get("/v1/inbox", "Authorization:", " Bearer S3CRET"),
    "another scheme": get("/v1/inbox", "Authorization: Basic S3CRET"),
    "a host": b"GET / HTTP/1.1\r\nHost: bob:S3CRET@angarium\r\n\r\n",
    "a length": request("PUT", "/auth/token", "Content-Length: S3CRET"),
    "a coding": request("PUT", "/auth/token", "Transfer-Encoding: S3CRET"),
    "an expectation": request("PUT", "/auth/token", "Expect: S3CRET"),
    "a trace id": get("/health/live", "X-Trace-Id: S3CRET", "traceparent: S3CRET"),
    "no JSON": post("/auth/token", b'{"password":"S3CRET'),
    "a number": post("/auth/token", b'{"username":"S3CRET","password":1}'),
    "a lone surrogate": post("/auth/token", b'{"username":"bob","password":"S3CRET\\ud800"}'),
    "a wrong password": post("/auth/token", b'{"username":"S3CRET","password":"S3CRET"}'),
    "a form": post("/auth/token", b"password=S3CRET", "Content-Type: application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize("place", SECRETS, ids=str)
def test_nothing_that_a_request_carries_reaches_the_log(
    client: RawClient, lines: LogLines, place: str
) -> None:
    client.send(SECRETS[place])
    client.end()
    read_to_the_end(client)
    assert lines.of("request")
    assert "S3CRET" not in lines.text()


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", "/auth/token", 405), ("POST", "/v1/messages", 401)]
)
def test_a_body_that_nobody_wanted_and_that_breaks_off_is_told_with_its_requests_trace(
    client: RawClient, lines: LogLines, method: str, path: str, status: int
) -> None:
    assert client.ask(request(method, path, CHUNKED, TRACED) + LOGIN).status == status
    assert client.closed()
    (line,) = lines.of("discarded")
    assert line["trace_id"] == TRACE
    assert access_lines(lines) == [(method, path, status, TRACE)]


def test_the_answer_does_not_repeat_a_body_either(client: RawClient) -> None:
    answer = client.ask(request("POST", "/auth/token", CHUNKED) + LOGIN)
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert b"S3CRET" not in answer.body


@pytest.mark.parametrize("method", ["BREW", "S3CRET", "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"])
def test_a_method_that_http_does_not_know_is_not_written_down(
    client: RawClient, lines: LogLines, method: str
) -> None:
    assert client.ask(request(method, "/v1/inbox", TRACED)).status == 501
    assert access_lines(lines) == [("-", "unmatched", 501, TRACE)]
