"""What one client gets for its requests, over a real socket."""

import http.client
import logging
import re
import socket
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from angarium.api.transport.connection import Connection
from angarium.api.transport.limits import BURST
from angarium.api.transport.server import Server
from angarium.cli.process import LARGE_BYTES
from angarium.logs.line import action_of, fields_of
from tests.fakes.application import ALICE, StubApplication
from tests.fakes.raw_client import RawClient, get, post, request
from tests.fakes.serving import Running, serving
from tests.waiting import until

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def application() -> StubApplication:
    return StubApplication()


@pytest.fixture
def running(application: StubApplication) -> Iterator[Running]:
    with serving(application, idle_hint=application.idle_hint) as server:
        yield server


def test_the_server_is_the_standard_librarys() -> None:
    assert issubclass(Server, HTTPServer)
    assert issubclass(Connection, BaseHTTPRequestHandler)


def test_a_request_reaches_the_application_and_its_answer_the_client(
    client: RawClient, application: StubApplication
) -> None:
    answer = client.ask(
        post("/echo/a%20b?c=%64", b'{"a":1}', "X-Other: b", f"X-Trace-Id: {TRACE.upper()}")
    )
    assert (answer.status, answer.body) == (200, b'{"a":1}')
    assert answer.headers["x-trace-id"] == TRACE
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["server"] == "angarium"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.headers["date"])
    assert "connection" not in answer.headers
    head = application.heads[0]
    assert (head.method, head.path, head.query) == ("POST", "/echo/a%20b", "c=%64")
    assert (head.peer, head.trace_id) == ("127.0.0.1", TRACE)
    assert head.headers.get("x-other") == "b"


def test_a_request_is_received_without_a_new_large_buffer(client: RawClient) -> None:
    def ask() -> bytes:
        client.socket.sendall(get("/echo"))
        return client.socket.recv(4096)

    ask()
    tracemalloc.start()
    try:
        ask()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        assert ask().startswith(b"HTTP/1.1 ")
        assert tracemalloc.get_traced_memory()[1] - before < LARGE_BYTES
    finally:
        tracemalloc.stop()


def test_a_connection_carries_many_requests(client: RawClient) -> None:
    for number in range(50):
        assert client.ask(post("/echo", str(number).encode())).body == str(number).encode()


def test_pipelined_requests_are_answered_in_order(client: RawClient) -> None:
    many = BURST * 20
    client.send(b"".join(post("/echo", str(number).encode()) for number in range(many)))
    assert [int(client.answer().body) for _ in range(many)] == list(range(many))


def test_of_pipelined_requests_so_many_are_answered_before_another_connection_has_its_turn(
    running: Running, application: StubApplication
) -> None:
    with RawClient(running.url) as greedy, RawClient(running.url) as other:
        other.ask(get("/echo"))
        greedy.send(get("/held") + 100 * get("/greedy"))
        assert application.entered.acquire(timeout=30)
        other.send(get("/other"))
        application.gate.set()
        assert other.answer().status == 200
        assert [greedy.answer().status for _ in range(101)] == [200] * 101
    paths = [head.path for head in application.heads]
    assert paths.index("/other") - paths.index("/held") <= BURST


def test_pipelined_requests_of_different_lanes_are_answered_in_order(
    client: RawClient, application: StubApplication
) -> None:
    application.gate.set()
    paths = ["/store", "/echo", "/hash", "/moved", "/echo", "/health", "/store"] * 10
    client.send(b"".join(post(path, str(number).encode()) for number, path in enumerate(paths)))
    assert [int(client.answer().body) for _ in paths] == list(range(len(paths)))


def test_a_request_that_comes_byte_by_byte_is_read_like_any_other(client: RawClient) -> None:
    for byte in post("/echo", b"hello"):
        client.send(bytes([byte]))
    assert client.answer().body == b"hello"


def test_a_chunked_body_is_read_like_any_other(client: RawClient) -> None:
    client.send(request("POST", "/echo", "Transfer-Encoding: chunked"))
    client.send(b"5;x=y\r\nhello\r\n")
    answer = client.ask(b"6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert answer.body == b"hello world"
    assert client.ask(get("/echo")).status == 200


def test_head_is_answered_without_a_body(client: RawClient) -> None:
    answer = client.send(request("HEAD", "/large/1000")).answer(to_head=True)
    assert answer.headers["content-length"] == "1000"
    assert client.ask(get("/echo")).body == b"{}"


def test_an_absolute_target_is_its_path(client: RawClient, application: StubApplication) -> None:
    assert client.ask(get("http://elsewhere:80/echo?a=b")).status == 200
    assert (application.heads[0].path, application.heads[0].query) == ("/echo", "a=b")


def test_options_of_everything_reaches_the_application(
    client: RawClient, application: StubApplication
) -> None:
    assert client.ask(request("OPTIONS", "*")).status == 200
    assert application.heads[0].path == "*"


def test_the_client_may_close_the_connection(client: RawClient) -> None:
    assert client.ask(get("/echo", "Connection: close")).headers["connection"] == "close"
    assert client.closed()


def test_an_http_1_0_connection_carries_one_request(client: RawClient) -> None:
    answer = client.ask(b"GET /echo HTTP/1.0\r\n\r\n")
    assert answer.head.startswith(b"HTTP/1.1 200 OK")
    assert answer.headers["connection"] == "close"
    assert client.closed()


def test_an_http_1_0_connection_is_kept_when_the_client_asks_for_it(client: RawClient) -> None:
    for _ in range(2):
        answer = client.ask(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer.headers["connection"] == "keep-alive"


def test_half_a_connection_is_enough_for_an_answer(client: RawClient) -> None:
    many = BURST * 3
    client.send(b"".join(post("/echo", str(number).encode()) for number in range(many)))
    client.end()
    assert [int(client.answer().body) for _ in range(many)] == list(range(many))
    assert client.closed()


def test_half_a_connection_is_enough_to_wait_for_an_answer(
    client: RawClient, application: StubApplication
) -> None:
    client.send(get("/await"))
    client.end()
    assert application.awaiting.acquire(timeout=30)
    application.futures[0].set_result("done")
    assert client.answer().body == b"done"
    assert client.closed()


def test_a_client_that_waits_for_leave_gets_it_after_admission(client: RawClient) -> None:
    client.send(request("POST", "/echo", "Content-Length: 5", "Expect: 100-continue"))
    assert client.answer().status == 100
    assert client.ask(b"hello").body == b"hello"


def test_a_client_that_waits_for_leave_to_send_chunks_gets_it(client: RawClient) -> None:
    client.send(request("POST", "/echo", "Transfer-Encoding: chunked", "Expect: 100-continue"))
    assert client.answer().status == 100
    assert client.ask(b"2\r\nhi\r\n0\r\n\r\n").body == b"hi"


def test_a_client_that_does_not_wait_for_leave_gets_its_answer_alone(client: RawClient) -> None:
    assert client.ask(post("/echo", b"hello", "Expect: 100-continue")).status == 200


def test_a_refused_client_gets_no_leave_and_no_second_request_out_of_its_body(
    client: RawClient,
) -> None:
    client.send(request("POST", "/refused", "Content-Length: 500", "Expect: 100-continue"))
    answer = client.answer()
    assert (answer.status, answer.headers["connection"]) == (404, "close")
    assert client.closed()


@pytest.mark.parametrize("path", ["/refused", "/crash"])
def test_a_small_body_that_nobody_wants_is_read_off(client: RawClient, path: str) -> None:
    client.send(post(path, b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n") + post("/echo", b"next"))
    assert client.answer().status in (404, 500)
    assert client.answer().body == b"next"


def test_an_answer_does_not_wait_for_a_body_that_nobody_wants(client: RawClient) -> None:
    assert client.ask(request("POST", "/refused", "Content-Length: 5")).status == 404
    assert client.ask(b"hello" + post("/echo", b"next")).body == b"next"


def test_chunks_that_nobody_wants_are_read_off(client: RawClient) -> None:
    assert client.ask(request("POST", "/refused", "Transfer-Encoding: chunked")).status == 404
    assert client.ask(b"5\r\nhello\r\n0\r\n\r\n" + post("/echo", b"next")).body == b"next"


def test_a_broken_chunk_that_nobody_wants_ends_the_connection(client: RawClient) -> None:
    assert client.ask(request("POST", "/refused", "Transfer-Encoding: chunked")).status == 404
    client.send(b"nonsense\r\n")
    assert client.closed()


@pytest.mark.parametrize("path", ["/refused", "/echo"])
def test_a_large_body_that_nobody_wants_does_not_cost_the_client_its_answer(
    client: RawClient, path: str
) -> None:
    client.send(post(path, b"x" * 8_000_000))
    answer = client.answer()
    assert answer.status in (404, 413)
    assert answer.headers["connection"] == "close"
    client.end()
    assert client.closed()


def test_too_many_chunks_are_refused_while_they_come(client: RawClient) -> None:
    client.send(
        request("POST", "/echo", "Transfer-Encoding: chunked")
        + b"8000\r\n"
        + b"x" * 0x8000
        + b"\r\n8001\r\n"
    )
    answer = client.answer()
    assert (answer.status, answer.code, answer.headers["connection"]) == (
        413,
        "body_too_large",
        "close",
    )


def test_a_fault_of_the_application_is_one_clients_500(
    client: RawClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.ask(get("/broken", f"X-Trace-Id: {TRACE}"))
    assert (answer.status, answer.code) == (500, "internal_error")
    assert client.ask(get("/echo")).status == 200
    faults = [record for record in caplog.records if action_of(record) == "internal_error"]
    assert [fields_of(record)["trace_id"] for record in faults] == [TRACE]


@pytest.mark.parametrize("before", [b"", get("/await")], ids=["alone", "after one that waits"])
def test_an_answer_that_cannot_be_made_costs_one_connection(
    running: Running, application: StubApplication, before: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    application.refuses = False
    with RawClient(running.url) as client, RawClient(running.url) as other:
        client.send(before + b"nonsense\r\n\r\n")
        if before:
            assert application.awaiting.acquire(timeout=30)
            application.futures[0].set_result("done")
        assert client.closed()
        assert other.ask(get("/echo")).status == 200
    assert "internal_error" in [action_of(record) for record in caplog.records]


def test_values_from_the_application_cannot_begin_another_field(
    client: RawClient, application: StubApplication
) -> None:
    application.extra_headers = (("Location", "/a\r\nSet-Cookie: b\n\0"),)
    assert client.ask(get("/echo")).headers["location"] == "/a  Set-Cookie: b"


def test_the_standard_librarys_client_is_served(running: Running) -> None:
    host, port = running.server.server_address[:2]
    connection = http.client.HTTPConnection(str(host), int(port), timeout=30)
    for _ in range(3):
        connection.request(
            "POST",
            "/echo",
            body=iter([b"a", b"b"]),
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        assert connection.getresponse().read() == b"ab"
    connection.close()


def access_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [dict(fields_of(record)) for record in caplog.records if action_of(record) == "request"]


def test_every_request_has_exactly_one_access_line(
    client: RawClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "angarium")
    client.ask(post("/echo/secret?token=secret", b"{}", f"X-Trace-Id: {TRACE}"))
    client.ask(post("/refused/secret", b"{}", f"X-Trace-Id: {TRACE}"))
    client.ask(request("BREW", "/echo", f"X-Trace-Id: {TRACE}"))
    lines = access_lines(caplog)
    assert all(float(str(line.pop("duration_ms"))) >= 0 for line in lines)
    common = {"trace_id": TRACE}
    assert lines == [
        {
            "method": "POST",
            "path": "/echo",
            "status": 200,
            "user_id": str(ALICE.user_id),
            **common,
        },
        {"method": "POST", "path": "/refused", "status": 404, **common},
        {"method": "-", "path": "unmatched", "status": 501, **common},
    ]


def test_a_request_that_cannot_be_read_has_an_access_line_too(
    client: RawClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "angarium")
    answer = client.ask(b"nonsense\r\n\r\n")
    (line,) = access_lines(caplog)
    assert (line["method"], line["path"], line["status"]) == ("-", "unmatched", 400)
    assert line["trace_id"] == answer.headers["x-trace-id"]
    assert re.fullmatch("[0-9a-f]{32}", str(line["trace_id"]))


def test_the_kernel_is_told_not_to_wait_for_fuller_packets(
    running: Running, client: RawClient
) -> None:
    client.ask(get("/echo"))
    (connection,) = running.server.idle
    assert connection.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_idle_hint_is_called_once_no_request_is_left_to_run(
    client: RawClient, application: StubApplication
) -> None:
    number = 3 * BURST
    client.send(get("/echo") * number)
    assert [client.answer().status for _ in range(number)] == [200] * number
    until(lambda: number in application.rests, "the idle hint is called")
    assert set(application.rests) <= {0, number}


def test_an_idle_hint_that_raises_stops_nothing(
    client: RawClient, application: StubApplication, caplog: pytest.LogCaptureFixture
) -> None:
    application.rests_well = False
    assert client.ask(get("/echo")).status == 200
    until(lambda: 1 in application.rests, "the idle hint is called")
    assert client.ask(get("/echo")).status == 200
    assert {action_of(record) for record in caplog.records if record.levelno >= logging.ERROR} == {
        "internal_error"
    }
