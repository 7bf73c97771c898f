"""Many connections, slow ones, silent ones, and ones that break."""

from contextlib import ExitStack

import pytest

from angarium.api.transport.limits import MAX_PENDING, RECEIVE
from angarium.logs.line import action_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post, request
from tests.fakes.serving import Start, seen, turn

PATIENCE = 30.0
LARGE = 8_000_000


def test_a_thousand_simultaneous_connections_are_all_answered(start: Start) -> None:
    running = start()
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(running.url)) for _ in range(1000)]
        for number, client in enumerate(clients):
            client.send(post("/echo", str(number).encode()))
        assert [int(client.answer().body) for client in clients] == list(range(1000))


def test_two_hundred_stalled_connections_delay_nobody(start: Start) -> None:
    running = start()
    parts = [
        b"",
        b"GET",
        get("/echo")[:-1],
        post("/echo", b"hello")[:-1],
        request("POST", "/echo", "Transfer-Encoding: chunked"),
    ]
    with ExitStack() as stack:
        for number in range(200):
            client = stack.enter_context(RawClient(running.url))
            client.send(parts[number % len(parts)])
        with RawClient(running.url) as client:
            for _ in range(20):
                assert client.ask(get("/echo")).status == 200


def test_an_idle_connection_is_closed_after_its_time(start: Start, clock: ManualClock) -> None:
    running = start(idle_timeout_s=60)
    with RawClient(running.url) as client:
        for _ in range(3):
            client.ask(get("/echo"))
            turn(running)
            clock.advance(59)
        client.ask(get("/echo"))
        turn(running)
        clock.advance(61)
        assert client.closed()


def test_an_empty_line_behind_a_body_begins_no_request(start: Start, clock: ManualClock) -> None:
    running = start(idle_timeout_s=60, request_timeout_s=10)
    with RawClient(running.url) as client:
        for _ in range(3):
            assert client.ask(post("/echo", b"hello") + b"\r\n").status == 200
            turn(running)
            clock.advance(11)
            turn(running)
        turn(running)
        clock.advance(61)
        assert client.closed()


def test_a_connection_that_never_sends_anything_is_closed_after_its_time(
    start: Start, clock: ManualClock
) -> None:
    running = start(idle_timeout_s=60)
    with RawClient(running.url) as client:
        seen(running, lambda: len(running.server.idle) == 2)
        clock.advance(61)
        assert client.closed()


@pytest.mark.parametrize(
    "part", [b"G", get("/echo")[:-2], request("POST", "/echo", "Content-Length: 5") + b"hell"]
)
def test_a_request_must_be_all_there_in_time(
    start: Start, clock: ManualClock, part: bytes
) -> None:
    running = start(request_timeout_s=10)
    with RawClient(running.url) as client:
        client.send(part)
        seen(running, lambda: len(running.server.reading) == 1)
        clock.advance(10.1)
        answer = client.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (
            408,
            "request_timeout",
            "close",
        )
        assert client.closed()


def test_a_fault_while_a_connection_is_timed_out_costs_that_one_alone(
    start: Start, clock: ManualClock, application: StubApplication
) -> None:
    running = start(request_timeout_s=10)
    application.refuses = False
    with RawClient(running.url) as client, RawClient(running.url) as other:
        client.send(b"GET")
        seen(running, lambda: len(running.server.reading) == 1)
        clock.advance(10.1)
        assert client.closed()
        assert other.ask(get("/echo")).status == 200


def test_dripping_bytes_wins_no_time(start: Start, clock: ManualClock) -> None:
    running = start(request_timeout_s=10)
    with RawClient(running.url) as client:
        for byte in b"GET":
            client.send(bytes([byte]))
            seen(running, lambda: len(running.server.reading) == 1)
            clock.advance(4)
        assert client.answer().status == 408


def test_each_request_has_its_own_time(start: Start, clock: ManualClock) -> None:
    running = start(request_timeout_s=10)
    with RawClient(running.url) as client:
        client.send(get("/echo")[:-1])
        seen(running, lambda: len(running.server.reading) == 1)
        clock.advance(9)
        client.send(b"\n" + get("/echo")[:-1])
        assert client.answer().status == 200
        clock.advance(9)
        turn(running)
        turn(running)
        assert client.ask(b"\n").status == 200


def test_what_follows_an_unwanted_body_has_its_own_time_too(
    start: Start, clock: ManualClock
) -> None:
    running = start(request_timeout_s=10)
    with RawClient(running.url) as client:
        assert client.ask(request("POST", "/refused", "Content-Length: 5")).status == 404
        turn(running)
        clock.advance(9)
        client.send(b"12345" + get("/echo")[:-1])
        seen(running, lambda: len(running.server.reading) == 1)
        turn(running)
        clock.advance(9)
        turn(running)
        turn(running)
        assert client.ask(b"\n").status == 200


def test_a_request_in_hand_has_no_time_limit_of_its_connection(
    start: Start, clock: ManualClock, application: StubApplication
) -> None:
    application.await_within = 1000
    running = start()
    with RawClient(running.url) as client:
        client.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        clock.advance(100)
        turn(running)
        turn(running)
        application.futures[0].set_result("done")
        assert client.answer().body == b"done"


def test_a_body_that_nobody_wants_must_come_in_time_too(start: Start, clock: ManualClock) -> None:
    running = start()
    with RawClient(running.url) as client:
        assert client.ask(request("POST", "/refused", "Content-Length: 5")).status == 404
        turn(running)
        clock.advance(10.1)
        assert client.closed()


def test_a_slow_reader_gets_all_of_its_answer(start: Start) -> None:
    running = start()
    with RawClient(running.url, receive_buffer=4096) as slow, RawClient(running.url) as other:
        slow.send(get(f"/large/{LARGE}") + get("/echo"))
        seen(running, lambda: len(running.server.writing) == 1)
        assert other.ask(get("/echo")).status == 200
        assert slow.answer().body == b"x" * LARGE
        assert slow.answer().body == b"{}"


def test_a_client_that_reads_nothing_is_dropped(start: Start, clock: ManualClock) -> None:
    running = start(write_timeout_s=10)
    with RawClient(running.url, receive_buffer=4096) as stuck:
        stuck.send(get(f"/large/{LARGE}"))
        seen(running, lambda: len(running.server.writing) == 1)
        clock.advance(10.1)
        seen(running, lambda: len(running.server.writing) == 0)
        with pytest.raises((EOFError, ConnectionResetError)):
            stuck.answer()


def test_requests_behind_an_answer_that_nobody_reads_are_left_in_the_socket(
    start: Start, application: StubApplication
) -> None:
    running = start()
    with RawClient(running.url, receive_buffer=4096) as stuck:
        stuck.send(get(f"/large/{LARGE}"))
        seen(running, lambda: len(running.server.writing) == 1)
        stuck.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            stuck.send(post("/echo/flood", b"x" * 10_000) * 5_000)
        (connection,) = running.server.writing
        assert connection._reader.pending < MAX_PENDING + RECEIVE
        assert not [head for head in application.heads if head.path == "/echo/flood"]


@pytest.mark.parametrize(
    "sent", [b"", b"GET", get("/echo"), get(f"/large/{LARGE}"), post("/refused", b"x" * 99_999)]
)
def test_a_client_that_breaks_off_harms_nobody(
    start: Start, sent: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    running = start()
    for _ in range(20):
        with RawClient(running.url) as client:
            client.send(sent)
            client.reset()
    with RawClient(running.url) as client:
        assert client.ask(get("/echo")).status == 200
    assert not [record for record in caplog.records if action_of(record) == "internal_error"]
    assert "Traceback" not in capfd.readouterr().err
