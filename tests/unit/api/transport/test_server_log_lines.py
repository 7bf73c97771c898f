"""What the server writes to its log: the ids of each request, and
nothing of what it carries.
"""

import contextlib
from collections.abc import Iterator, Mapping

import pytest

from angarium.domain.identifiers import user_id_for
from angarium.domain.user import Principal
from tests.contract.http.parts import Parts, application
from tests.contract.http.services import memory_parts
from tests.fakes.raw_client import RawClient, get, post, request
from tests.fakes.serving import Running, seen, serving
from tests.unit.services.log_lines import LogLines, captured

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACED = f"X-Trace-Id: {TRACE}"
CHUNKED = "Transfer-Encoding: chunked"
LOGIN = b'{"username":"bob","password":"S3CRET"}\r\n'
SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
OTHER_ID = "01890a5d-ac96-774b-bcce-b302099a8058"


@pytest.fixture
def lines() -> Iterator[LogLines]:
    with captured() as written:
        yield written


@pytest.fixture
def parts() -> Parts:
    return memory_parts()


@pytest.fixture
def token(parts: Parts) -> str:
    return parts.signer.issue(Principal(user_id_for("alice"), "alice"), parts.clock.now_ms())


@pytest.fixture
def running(parts: Parts) -> Iterator[Running]:
    with serving(application(parts)) as server:
        yield server


def access_lines(lines: LogLines) -> list[tuple[object, object, object, object]]:
    return [
        (line["method"], line["path"], line["status"], line["trace_id"])
        for line in lines.of("request")
    ]


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
    "a body behind its length": request("PUT", "/auth/token", "Content-Length: 3")
    + b"my S3CRET"
    + get("/"),
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
    "a form": post(
        "/auth/token", b"password=S3CRET", "Content-Type: application/x-www-form-urlencoded"
    ),
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


FAULTY_HEADS = {
    "too many fields": (
        get("/v1/inbox", TRACED, *[f"A-{number}: b" for number in range(101)]),
        431,
    ),
    "too many fields before it": (
        get("/v1/inbox", *[f"A-{number}: b" for number in range(101)], TRACED),
        431,
    ),
    "too large fields": (get("/v1/inbox", TRACED, "A: " + "b" * 17_000), 431),
    "fields without an end": (get("/v1/inbox", TRACED, "A: " + "b" * 17_000)[:-4], 431),
    "a field without a colon": (get("/v1/inbox", "A", TRACED), 400),
    "a space before a colon": (get("/v1/inbox", TRACED, "A : b"), 400),
    "a folded field": (get("/v1/inbox", "A: b", " c", TRACED), 400),
    "a control character": (get("/v1/inbox", TRACED, "A: \0"), 400),
    "a bare line feed": (get("/v1/inbox", TRACED, "A: b\nC: d"), 400),
    "two hosts": (get("/v1/inbox", TRACED, "Host: elsewhere"), 400),
    "two lengths": (get("/v1/inbox", TRACED, "Content-Length: 1", "Content-Length: 1"), 400),
    "another version": (b"GET / HTTP/9\r\n" + TRACED.encode() + b"\r\n\r\n", 400),
    "a long target": (get("/" + "a" * 9_000, TRACED), 414),
}


@pytest.mark.parametrize("fault", FAULTY_HEADS, ids=str)
def test_a_head_that_cannot_be_read_keeps_its_well_formed_trace_id(
    client: RawClient, lines: LogLines, fault: str
) -> None:
    head, status = FAULTY_HEADS[fault]
    answer = client.ask(head)
    assert (answer.status, answer.headers["x-trace-id"]) == (status, TRACE)
    ((_, _, logged_status, logged_trace),) = access_lines(lines)
    assert (logged_status, logged_trace) == (status, TRACE)


def test_a_faulty_head_behind_another_request_has_a_trace_id_of_its_own(client: RawClient) -> None:
    client.send(get("/health/live", f"X-Trace-Id: {'a' * 32}") + get("/health/live", "A"))
    assert client.answer().headers["x-trace-id"] == "a" * 32
    faulty = client.answer()
    assert faulty.status == 400
    assert faulty.headers["x-trace-id"] != "a" * 32


@pytest.mark.parametrize("rest", ["", "A: b", "A: b\r\n"])
def test_a_head_that_breaks_off_keeps_its_well_formed_trace_id(
    client: RawClient, rest: str
) -> None:
    client.send(f"GET / HTTP/1.1\r\n{TRACED}\r\n{rest}".encode())
    client.end()
    answer = client.answer()
    assert (answer.status, answer.headers["x-trace-id"]) == (400, TRACE)


IN_THE_BODY = {
    "a length": request("POST", "/auth/token", TRACED, "Content-Length: 9") + b"half",
    "chunks": request("POST", "/auth/token", TRACED, CHUNKED) + b"9\r\nhalf",
    "no byte of it": request("POST", "/auth/token", TRACED, "Content-Length: 9"),
}


@pytest.mark.parametrize("body", IN_THE_BODY, ids=str)
def test_a_request_that_a_reset_cuts_off_in_its_body_has_its_line(
    running: Running, lines: LogLines, body: str
) -> None:
    with RawClient(running.url) as client:
        client.ask(get("/health/live"))
        client.send(IN_THE_BODY[body])
        seen(running, lambda: len(running.server.reading) == 1, get("/health/live"))
        client.reset()
        seen(running, lambda: len(running.server.reading) == 0, get("/health/live"))
    cut_off = [line for line in access_lines(lines) if line[1] != "/health/live"]
    assert cut_off == [("POST", "/auth/token", 499, TRACE)]


def test_a_request_whose_body_never_came_has_its_line_when_the_server_ends(
    running: Running, lines: LogLines
) -> None:
    with RawClient(running.url) as client:
        client.send(IN_THE_BODY["a length"])
        seen(running, lambda: len(running.server.reading) == 1, get("/health/live"))
        running.end()
    assert ("POST", "/auth/token", 499, TRACE) in access_lines(lines)


def test_a_reset_between_requests_or_in_a_head_has_no_line(
    running: Running, lines: LogLines
) -> None:
    for sent in (b"", b"GET / HTTP/1.1\r\n"):
        with RawClient(running.url) as client:
            client.send(sent)
            seen(
                running,
                lambda: len(running.server.idle) + len(running.server.reading) == 2,
                get("/health/live"),
            )
            client.reset()
            seen(
                running,
                lambda: len(running.server.idle) + len(running.server.reading) == 1,
                get("/health/live"),
            )
    assert {line[1] for line in access_lines(lines)} == {"/health/live"}


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        (f"/v1/conversations/{SOME_ID}", {"conversation_id": SOME_ID}),
        (f"/v1/conversations/{SOME_ID.upper()}/messages", {"conversation_id": SOME_ID}),
        (
            f"/v1/conversations/{OTHER_ID}/messages/{SOME_ID}",
            {"conversation_id": OTHER_ID, "message_id": SOME_ID},
        ),
        (f"/v1/conversations/{SOME_ID}/messages/secret", {"conversation_id": SOME_ID}),
        ("/v1/conversations/secret", {}),
        ("/v1/inbox", {}),
        ("/v1/nowhere", {}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("known", [True, False])
def test_a_requests_line_has_the_ids_of_its_path(
    client: RawClient,
    lines: LogLines,
    token: str,
    path: str,
    ids: Mapping[str, str],
    method: str,
    known: bool,
) -> None:
    client.ask(request(method, path, f"Authorization: Bearer {token if known else '?'}"))
    client.ask(get("/health/live"))
    line, next_line = lines.of("request")
    shown = {name: str(line[name]) for name in ("conversation_id", "message_id") if name in line}
    assert shown == ids
    assert "secret" not in lines.text()
    assert not {"conversation_id", "message_id", "user_id"} & set(next_line)
