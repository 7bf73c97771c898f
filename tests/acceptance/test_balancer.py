"""HAProxy as it is deployed, in front of a real server: what it must
refuse, bound and tell by itself.
"""

import contextlib
import json
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from angarium.api.problem_kinds import KINDS
from angarium.api.problems import type_of
from angarium.domain.errors import Code
from tests.acceptance.service import Service, running, until
from tests.balancer import DEPLOYED, balancer
from tests.fakes.raw_client import Answer, RawClient

MAX_PER_SOURCE = 250
TRACE_ID = re.compile(r"[0-9a-f]{32}")
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
BODY = b'{"username":"nobody","password":"wrong"}'
LOGIN = b"POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
CHUNKED = (
    b"POST /auth/token HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;a=b\r\n"
    + BODY[:5]
    + b"\r\n%x\r\n" % (len(BODY) - 5)
    + BODY[5:]
    + b"\r\n0\r\nX-Trailer: y\r\n\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    proxies = {"ANGARIUM_TRUSTED_PROXIES": "127.0.0.1"}
    with running(
        tmp_path_factory.mktemp("server"), ANGARIUM_LOGIN_ATTEMPTS="1000000", **proxies
    ) as service:
        yield service


@pytest.fixture(scope="module")
def url(server: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with balancer(tmp_path_factory.mktemp("balancer"), server.port, request_timeout=1) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[RawClient]:
    with RawClient(url) as client:
        yield client


def assert_is_problem(answer: Answer, status: int, code: Code) -> None:
    document = json.loads(answer.body)
    assert (answer.status, document["status"], document["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == type_of(code)
    assert document["title"] == KINDS[code].title
    assert TRACE_ID.fullmatch(document["trace_id"])
    assert answer.headers["x-trace-id"] == document["trace_id"]


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /health/live HTTP/1.1\nHost: localhost\n\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: y\r\n z\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX : a\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nnothing\r\n\r\n",
        b"GET /health/live\r\nHost: localhost\r\n\r\n",
        b"GET /health/live HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
        LOGIN.replace(b"Content-Length: 40", b"Content-Length: 40\r\nContent-Length: 40"),
        LOGIN.replace(b"Content-Length: 40", b"Content-Length: 40\r\ncontent-length: 40"),
        LOGIN.replace(b"Content-Length: 40", b"Content-Length: 40, 40"),
        LOGIN.replace(b"Content-Length: 40", b"Content-Length:"),
        LOGIN.replace(b"Content-Length: 40", b"Content-Length: 0x28"),
        CHUNKED.replace(b"Transfer-", b"Content-Length: 40\r\nTransfer-"),
        CHUNKED.replace(b": chunked", b": chunked\r\nTransfer-Encoding: chunked"),
        CHUNKED.replace(b": chunked", b": chunked, chunked"),
        CHUNKED.replace(b": chunked", b": gzip, chunked"),
        CHUNKED.replace(b": chunked", b": identity"),
        CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0"),
        CHUNKED.replace(b"5;a=b\r\n", b"5;a=b\n"),
        CHUNKED.replace(b"5;a=b", b"0x5"),
        CHUNKED.replace(b"5;a=b", b" 5"),
        CHUNKED.replace(b"5;a=b", b"4"),
        CHUNKED.replace(b"5;a=b", b"5;a\rb"),
        CHUNKED.replace(b"0\r\nX-Trailer: y\r\n", b"0\r\nX-Trailer: y\n"),
        CHUNKED.replace(b"X-Trailer: y", b"no field"),
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_and_not_mended(
    client: RawClient, request_text: bytes
) -> None:
    assert client.ask(LIVE).status == 200
    answer = client.ask(request_text + LIVE)
    assert_is_problem(answer, 400, Code.MALFORMED_REQUEST)
    assert client.closed()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000_000])
def test_however_requests_are_cut_into_pieces_each_is_answered(
    client: RawClient, size: int
) -> None:
    stream = LIVE + CHUNKED + LOGIN + b"\r\n" + LIVE + CHUNKED
    for at in range(0, len(stream), size):
        client.send(stream[at : at + size])
    assert [client.answer().status for _ in range(5)] == [200, 401, 401, 200, 401]


def test_an_empty_line_before_a_request_may_come_in_two_pieces(client: RawClient) -> None:
    assert client.ask(LIVE + b"\r").status == 200
    assert client.ask(b"\n" + LIVE).status == 200
    assert client.ask(LIVE + b"\r\n\r").status == 200
    assert client.ask(b"\n\r\n" + LIVE).status == 200


@pytest.mark.parametrize("size", [1, 5, 1_000_000])
def test_however_a_bad_request_is_cut_into_pieces_it_is_refused(url: str, size: int) -> None:
    """HAProxy 2.6 closes without an answer in one of some 4,000 tries,
    when the rest of the request comes at the moment of its refusal.
    """
    stream = LIVE + LOGIN.replace(
        b"Content-Length: 40", b"Content-Length: 40\r\nContent-Length: 40"
    )
    for _ in range(3):
        with RawClient(url) as client:
            with contextlib.suppress(OSError):
                for at in range(0, len(stream), size):
                    client.send(stream[at : at + size])
            try:
                first = client.answer()
            except EOFError:
                continue
            assert first.status == 200
            assert_is_problem(client.answer(), 400, Code.MALFORMED_REQUEST)
            return
    raise AssertionError("three times there was no answer")


def test_a_head_that_is_not_finished_is_408(client: RawClient) -> None:
    assert_is_problem(client.ask(LIVE[:40]), 408, Code.REQUEST_TIMEOUT)


def test_heads_of_many_fields_are_431(client: RawClient) -> None:
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(120))
    answer = client.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")
    assert_is_problem(answer, 431, Code.HEADERS_TOO_LARGE)


def test_without_an_instance_it_is_503(tmp_path: Path) -> None:
    with ExitStack() as living:
        service = living.enter_context(running(tmp_path / "server"))
        url = living.enter_context(balancer(tmp_path, service.port))
        service.kill()

        def refused() -> bool:
            with RawClient(url) as client:
                answer = client.ask(LIVE)
            assert_is_problem(answer, 503, Code.OVERLOADED)
            assert answer.headers["retry-after"] == "1"
            return True

        until(refused, "the balancer refuses by itself")


def test_every_problem_that_the_balancer_tells_is_the_contracts() -> None:
    for file in ("haproxy.cfg", "wire.lua"):
        text = (DEPLOYED / file).read_text()
        for code in re.findall(r'"code":"(\w+)"', text) + re.findall(r'code = "(\w+)"', text):
            assert f'"{KINDS[Code(code)].title}"' in text, code


def test_one_source_has_a_bounded_number_of_connections(url: str) -> None:
    parts = urlsplit(url)
    answered = 0
    with ExitStack() as held:
        for _ in range(MAX_PER_SOURCE + 20):
            with contextlib.suppress(OSError):
                peer = held.enter_context(
                    socket.create_connection((parts.hostname, parts.port), 30)
                )
                peer.sendall(LIVE)
                answered += peer.recv(100).startswith(b"HTTP/1.1 200 ")
        # Those of other tests may not have been counted off yet.
        assert MAX_PER_SOURCE - 20 <= answered <= MAX_PER_SOURCE


def test_an_outer_proxy_has_as_many_as_it_needs(server: Service, tmp_path: Path) -> None:
    with balancer(tmp_path, server.port, ["127.0.0.1"]) as url, ExitStack() as held:
        clients = [held.enter_context(RawClient(url)) for _ in range(MAX_PER_SOURCE + 20)]
        assert {client.ask(LIVE).status for client in clients} == {200}


@pytest.mark.parametrize(
    ("outer_proxies", "counted"), [((), "127.0.0.1"), (("127.0.0.1",), "203.0.113.7")]
)
def test_the_api_counts_the_address_that_the_nearest_stranger_has(
    tmp_path: Path, outer_proxies: Sequence[str], counted: str
) -> None:
    trace = tmp_path.name.encode().hex()[-32:].zfill(32)
    claimed = f"X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\nX-Trace-Id: {trace}\r\n".encode()
    # An instance of its own: of many refused logins only the first ones
    # have lines.
    with (
        running(tmp_path, ANGARIUM_TRUSTED_PROXIES="127.0.0.1") as server,
        balancer(tmp_path, server.port, outer_proxies) as url,
        RawClient(url) as client,
    ):
        answer = client.ask(LOGIN.replace(b"Content-Length", claimed + b"Content-Length"))
        assert answer.status == 401

        def told() -> list[object]:
            lines = [line for line in server.log_lines() if line.get("trace_id") == trace]
            return [line["address"] for line in lines if line["action"] == "login_refused"]

        until(lambda: bool(told()), "the refused login has its line")
        assert told() == [counted]
