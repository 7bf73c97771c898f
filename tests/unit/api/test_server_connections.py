"""Many connections, slow ones, silent ones, and ones that break."""

import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from angarium.api.connection import MAX_PENDING, RECEIVE
from angarium.api.limits import ServerLimits
from angarium.logs.line import action_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post, request
from tests.fakes.serving import Running, serving

PATIENCE = 30.0
LARGE = 8_000_000

Start = Callable[..., Running]


class CountingClock(ManualClock):
    """Counts how often it is looked at: once or twice in each turn of a server's loop."""

    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return super().monotonic()


@pytest.fixture
def application() -> StubApplication:
    return StubApplication()


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


@pytest.fixture
def start(application: StubApplication, clock: ManualClock) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(**limits: float) -> Running:
            chosen = ServerLimits(**limits)  # type: ignore[arg-type]  # the whole numbers are whole
            return stack.enter_context(serving(application, chosen, clock))

        yield begin


def rests(clock: CountingClock, waiting: socket.socket) -> bool:
    """Tell whether the loop sleeps while a newcomer waits in vain for an answer."""
    before = clock.looks
    waiting.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    waiting.settimeout(PATIENCE)
    return clock.looks - before < 100


def turn(running: Running) -> None:
    """Let the server finish all that it was doing."""
    with RawClient(running.url) as nudge:
        nudge.ask(get("/echo"))


def seen(running: Running, condition: Callable[[], bool]) -> None:
    """Give the server turn after turn until a condition holds."""
    with RawClient(running.url) as nudge:
        for _ in range(10_000):
            if condition():
                return
            nudge.ask(get("/echo"))
    raise AssertionError("the condition never came to hold")


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
    running = start(idle_timeout=60)
    with RawClient(running.url) as client:
        for _ in range(3):
            client.ask(get("/echo"))
            turn(running)
            clock.advance(59)
        client.ask(get("/echo"))
        turn(running)
        clock.advance(61)
        assert client.closed()


def test_a_connection_that_never_sends_anything_is_closed_after_its_time(
    start: Start, clock: ManualClock
) -> None:
    running = start(idle_timeout=60)
    with RawClient(running.url) as client:
        seen(running, lambda: len(running.server.idle) == 2)
        clock.advance(61)
        assert client.closed()


@pytest.mark.parametrize(
    "part", [b"G", get("/echo")[:-2], request("POST", "/echo", "Content-Length: 5") + b"hell"]
)
def test_a_request_must_be_all_there_in_time(start: Start, clock: ManualClock, part: bytes) -> None:
    running = start(request_timeout=10)
    with RawClient(running.url) as client:
        client.send(part)
        seen(running, lambda: len(running.server.reading) == 1)
        clock.advance(10.1)
        answer = client.answer()
        assert (answer.status, answer.code, answer.headers["connection"]) == (408, "request_timeout", "close")
        assert client.closed()


def test_a_fault_while_a_connection_is_timed_out_costs_that_one_alone(
    start: Start, clock: ManualClock, application: StubApplication
) -> None:
    running = start(request_timeout=10)
    application.refuses = False
    with RawClient(running.url) as client, RawClient(running.url) as other:
        client.send(b"GET")
        seen(running, lambda: len(running.server.reading) == 1)
        clock.advance(10.1)
        assert client.closed()
        assert other.ask(get("/echo")).status == 200


def test_dripping_bytes_wins_no_time(start: Start, clock: ManualClock) -> None:
    running = start(request_timeout=10)
    with RawClient(running.url) as client:
        for byte in b"GET":
            client.send(bytes([byte]))
            seen(running, lambda: len(running.server.reading) == 1)
            clock.advance(4)
        assert client.answer().status == 408


def test_each_request_has_its_own_time(start: Start, clock: ManualClock) -> None:
    running = start(request_timeout=10)
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
    running = start(write_timeout=10)
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


def test_when_full_the_longest_idle_connection_makes_room(start: Start) -> None:
    running = start(max_connections=3)
    with RawClient(running.url) as first, RawClient(running.url) as second, RawClient(running.url) as third:
        for client in (second, first, third):
            assert client.ask(get("/echo")).status == 200
        with RawClient(running.url) as newcomer:
            assert newcomer.ask(get("/echo")).status == 200
            assert second.closed()
            assert first.ask(get("/echo")).status == 200
            assert third.ask(get("/echo")).status == 200


def test_when_every_connection_is_busy_newcomers_wait(
    start: Start, application: StubApplication, clock: CountingClock
) -> None:
    running = start(max_connections=2)
    with (
        RawClient(running.url) as first,
        RawClient(running.url) as second,
        RawClient(running.url) as newcomer,
    ):
        first.send(get("/await"))
        second.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        assert application.awaiting.acquire(timeout=PATIENCE)
        newcomer.send(get("/echo"))
        assert rests(clock, newcomer.socket)
        application.futures[0].set_result("done")
        assert newcomer.answer().status == 200
        application.futures[1].set_result("done")


def test_running_out_of_descriptors_closes_an_idle_connection_first(start: Start) -> None:
    running = start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with RawClient(running.url) as idle, socket.socket() as newcomer:
        newcomer.settimeout(PATIENCE)
        idle.ask(get("/echo"))
        turn(running)
        probe = os.dup(0)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
        try:
            newcomer.connect(running.server.server_address[:2])
            newcomer.sendall(get("/echo"))
            assert newcomer.recv(100).startswith(b"HTTP/1.1 200")
            assert idle.closed()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_running_out_of_descriptors_pauses_accepting_without_spinning(
    start: Start, clock: CountingClock, caplog: pytest.LogCaptureFixture
) -> None:
    running = start()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as newcomer:
        newcomer.settimeout(PATIENCE)
        probe = os.dup(0)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
        try:
            newcomer.connect(running.server.server_address[:2])
            newcomer.sendall(get("/echo"))
            while not [record for record in caplog.records if action_of(record) == "accept_paused"]:
                pass
            assert rests(clock, newcomer)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        clock.advance(0.6)
        assert newcomer.recv(100).startswith(b"HTTP/1.1 200")
    assert len([record for record in caplog.records if action_of(record) == "accept_paused"]) == 1


def test_a_lingering_connection_is_dropped_when_it_falls_silent(start: Start, clock: ManualClock) -> None:
    running = start(linger_timeout=2)
    with RawClient(running.url) as client:
        client.ask(get("/echo", "Connection: close"))
        assert client.closed()
        seen(running, lambda: len(running.server.lingering) == 1)
        clock.advance(2.1)
        seen(running, lambda: len(running.server.lingering) == 0)


def test_a_lingering_connection_is_dropped_when_it_never_falls_silent(
    start: Start, clock: ManualClock
) -> None:
    running = start(request_timeout=10)
    with RawClient(running.url) as client:
        client.ask(get("/echo", "Connection: close"))
        seen(running, lambda: len(running.server.lingering) == 1)
        for _ in range(7):
            clock.advance(1.5)
            client.send(b"more")
            turn(running)
        seen(running, lambda: len(running.server.lingering) == 0)
