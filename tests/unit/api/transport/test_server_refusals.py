"""Requests that break HTTP's rules: refused, answered with a trace id,
and the connection closed.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.application import StubApplication
from tests.fakes.raw_client import RawClient, get, request
from tests.fakes.serving import Running, serving

TRACE = "0af7651916cd43dd8448eb211c80319c"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving(StubApplication()) as server:
        yield server


@pytest.mark.parametrize(
    "head",
    [
        request("HEAD", "/echo", "A"),
        request("HEAD", "/echo", "A: " + "b" * 17_000),
        request("HEAD", "/" + "a" * 9_000),
        b"HEAD /echo HTTP/2.0\r\n\r\n",
    ],
    ids=["malformed", "large", "long", "version"],
)
def test_a_head_request_that_is_malformed_gets_no_body_either(
    running: Running, head: bytes
) -> None:
    with RawClient(running.url) as client:
        answer = client.send(head).answer(to_head=True)
        assert answer.status in (400, 414, 431)
        assert client.closed()


SMUGGLING = {
    "two equal lengths": request("POST", "/echo", "Content-Length: 5", "Content-Length: 5")
    + b"hello",
    "two lengths": request("POST", "/echo", "Content-Length: 5", "Content-Length: 6") + b"hello!",
    "a list of lengths": request("POST", "/echo", "Content-Length: 5, 5") + b"hello",
    "a signed length": request("POST", "/echo", "Content-Length: +5") + b"hello",
    "a negative length": request("POST", "/echo", "Content-Length: -1"),
    "a hexadecimal length": request("POST", "/echo", "Content-Length: 0x5") + b"hello",
    "an empty length": request("POST", "/echo", "Content-Length:") + b"hello",
    "a coding and a length": request("POST", "/echo", CHUNKED, "Content-Length: 5") + b"0\r\n\r\n",
    "a length and a coding": request("POST", "/echo", "Content-Length: 5", CHUNKED) + b"0\r\n\r\n",
    "another coding": request("POST", "/echo", "Transfer-Encoding: gzip"),
    "identity": request("POST", "/echo", "Transfer-Encoding: identity"),
    "two codings": request("POST", "/echo", "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunked twice": request("POST", "/echo", CHUNKED, CHUNKED) + b"0\r\n\r\n",
    "a hidden coding": request("POST", "/echo", "Transfer-Encoding: xchunked"),
    "a coding with a tab": request("POST", "/echo", "Transfer-Encoding:\x0bchunked")
    + b"0\r\n\r\n",
    "chunks of HTTP/1.0": b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": request("POST", "/echo", CHUNKED) + b"\r\n",
    "a chunk of a wrong size": request("POST", "/echo", CHUNKED) + b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk with a bare line feed": request("POST", "/echo", CHUNKED) + b"5\nhello\r\n0\r\n\r\n",
    "a chunk of a signed size": request("POST", "/echo", CHUNKED) + b"+5\r\nhello\r\n0\r\n\r\n",
    "a bare carriage return": b"GET /echo HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
    "a bare line feed": b"GET /echo HTTP/1.1\nHost: a\n\n",
    "a bare line feed between fields": b"GET /echo HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare line feed at the end": b"GET /echo HTTP/1.1\r\nHost: a\r\n\n",
    "NUL": get("/echo", "X: a\0b"),
    "a folded field": get("/echo", "X: a", " b"),
    "a space before the colon": request("POST", "/echo", "Content-Length : 5") + b"hello",
    "a space before the name": b"GET /echo HTTP/1.1\r\n Host: a\r\n\r\n",
    "a name that is no token": get("/echo", "X[]: a"),
    "a field without a colon": get("/echo", "X"),
    "no host": b"GET /echo HTTP/1.1\r\n\r\n",
    "two hosts": get("/echo", "Host: elsewhere"),
    "no version": b"GET /echo\r\n\r\n",
    "another version": b"GET /echo HTTP/3.0\r\nHost: a\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0",
    "TLS": bytes.fromhex("16030100a5010000a10303") + bytes(32),
    "two empty lines": b"\r\n\r\n" + get("/echo"),
}


@pytest.mark.parametrize("shape", SMUGGLING, ids=str)
def test_a_smuggling_shape_is_refused_and_the_connection_closed(
    client: RawClient, shape: str
) -> None:
    answer = client.ask(SMUGGLING[shape])
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert answer.headers["connection"] == "close"
    assert len(answer.headers["x-trace-id"]) == 32
    assert client.closed()


@pytest.mark.parametrize("shape", SMUGGLING, ids=str)
def test_nothing_behind_a_smuggling_shape_is_read_as_a_request(
    running: Running, shape: str
) -> None:
    with RawClient(running.url) as client:
        client.send(SMUGGLING[shape] + get("/echo/smuggled"))
        assert client.answer().status == 400
        assert client.closed()


def test_a_request_that_is_read_but_refused_keeps_its_trace_id(client: RawClient) -> None:
    answer = client.ask(get("/echo", "Host: elsewhere", f"X-Trace-Id: {TRACE}"))
    assert answer.headers["x-trace-id"] == TRACE


def test_a_long_target_is_refused(client: RawClient) -> None:
    answer = client.ask(get("/echo/" + "a" * 8192))
    assert (answer.status, answer.code) == (414, "uri_too_long")
    assert client.closed()


def test_a_long_target_is_refused_before_it_ends(client: RawClient) -> None:
    assert client.ask(b"GET /" + b"a" * 9000).status == 414


@pytest.mark.parametrize(
    "fields", [["A: " + "b" * 16_384], [f"A-{number}: b" for number in range(101)]]
)
def test_too_many_header_fields_are_refused(client: RawClient, fields: list[str]) -> None:
    answer = client.ask(get("/echo", *fields))
    assert (answer.status, answer.code) == (431, "headers_too_large")
    assert client.closed()


def test_header_fields_without_an_end_are_refused(client: RawClient) -> None:
    assert client.ask(b"GET / HTTP/1.1\r\nA: " + b"b" * 17_000).status == 431


def test_an_unknown_method_is_not_implemented(client: RawClient) -> None:
    answer = client.ask(request("BREW", "/echo"))
    assert (answer.status, answer.code) == (501, "not_implemented")


def test_an_unknown_expectation_fails(client: RawClient) -> None:
    answer = client.ask(request("POST", "/echo", "Expect: tea", "Content-Length: 5"))
    assert (answer.status, answer.code, answer.headers["connection"]) == (
        417,
        "expectation_failed",
        "close",
    )


@pytest.mark.parametrize(
    "part", [b"GET", get("/echo")[:-2], request("POST", "/echo", "Content-Length: 5") + b"hell"]
)
def test_a_request_that_breaks_off_is_told_so(client: RawClient, part: bytes) -> None:
    client.send(part)
    client.end()
    answer = client.answer()
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert client.closed()


@pytest.mark.parametrize("sent", [b"", b"\r\n"])
def test_a_connection_without_a_request_is_closed_without_a_word(
    client: RawClient, sent: bytes
) -> None:
    client.send(sent)
    client.end()
    assert client.closed()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=200).filter(lambda garbage: garbage != b"\r\n"))
def test_garbage_harms_nobody(running: Running, garbage: bytes) -> None:
    with RawClient(running.url) as client:
        client.send(garbage)
        client.end()
        assert client.answer().status in (400, 501)
        assert client.closed()
    with RawClient(running.url) as client:
        assert client.ask(get("/echo")).status == 200
