"""Room for newcomers when the server is full, and the connections that
are on their way out.
"""

import gc
import os
import resource
import select
import selectors
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import pytest

from angarium.api.transport.limits import SLICE_S, ServerLimits
from angarium.logs.line import action_of, fields_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post
from tests.fakes.serving import Start, seen, serving, turn
from tests.waiting import until

PATIENCE = 30.0

NEWCOMERS = 20
"""One is enough, unless other threads close files meanwhile: the
clients of servers that tests before this one have left.
"""


class CountingClock(ManualClock):
    """Counts how often it is looked at: once or twice in each turn of a
    server's loop.
    """

    looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return super().monotonic()


@pytest.fixture
def clock() -> CountingClock:
    return CountingClock()


def readable(waiting: socket.socket) -> bool:
    return bool(select.select([waiting], [], [], 0)[0])


def rests(clock: CountingClock, waiting: socket.socket) -> bool:
    """Tell whether the loop sleeps while a newcomer waits in vain for
    an answer.
    """
    before = clock.looks
    waiting.settimeout(0.3)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    waiting.settimeout(PATIENCE)
    return clock.looks - before < 100


def test_when_full_the_longest_idle_connection_makes_room(start: Start) -> None:
    running = start(max_connections=3)
    with (
        RawClient(running.url) as first,
        RawClient(running.url) as second,
        RawClient(running.url) as third,
    ):
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


ELSEWHERE = "127.0.0.2"
elsewhere = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 at once"
)


@elsewhere
@pytest.mark.parametrize("held", [b"GET /echo HTTP/1.1\r\nX: ", b"", post("/echo", b"body")[:-1]])
def test_when_full_the_address_that_has_most_makes_room_at_once(start: Start, held: bytes) -> None:
    running = start(max_connections=6)
    with ExitStack() as stack:
        alice = stack.enter_context(RawClient(running.url))
        assert alice.ask(get("/echo")).status == 200
        hoard = [stack.enter_context(RawClient(running.url, address=ELSEWHERE)) for _ in range(5)]
        for client in hoard:
            client.send(held)
        # Enough turns for the server to have read what it was sent.
        for _ in range(5):
            assert alice.ask(get("/echo")).status == 200
        for number in range(3):
            newcomer = stack.enter_context(RawClient(running.url))
            assert newcomer.ask(get("/echo")).status == 200
            if held:
                assert (answer := hoard[number].answer()).status == 503
                assert answer.code == "overloaded"
            assert hoard[number].closed()
        assert alice.ask(get("/echo")).status == 200


@elsewhere
def test_a_reader_that_does_not_read_makes_room_like_any_other(start: Start) -> None:
    running = start(max_connections=3)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(RawClient(running.url, receive_buffer=4096, address=ELSEWHERE))
            for _ in range(2)
        ]
        alice = stack.enter_context(RawClient(running.url))
        for client in slow:
            client.send(get("/large/5000000"))
        while len(running.server.writing) < 2:
            assert alice.ask(get("/echo")).status == 200
        newcomer = stack.enter_context(RawClient(running.url))
        assert newcomer.ask(get("/echo")).status == 200
        assert len(running.server.writing) == 1
        assert alice.ask(get("/echo")).status == 200


def test_a_full_table_is_told_once_a_minute(
    start: Start, clock: CountingClock, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(max_connections=1)
    for _ in range(20):
        with RawClient(running.url), RawClient(running.url) as newcomer:
            assert newcomer.ask(get("/echo")).status == 200
    clock.advance(30)
    turn(running)
    running.end()
    lines = [
        fields_of(record) for record in caplog.records if action_of(record) == "connections_full"
    ]
    assert len(lines) == 2, "one while it serves, one with the rest at its end"
    assert lines[0]["address"] == "127.0.0.1"
    assert sum(int(str(line["newcomers"])) for line in lines) >= 20


@contextmanager
def no_descriptor_left() -> Iterator[Callable[[], None]]:
    """Take every descriptor that this process may still open; give a
    way to take what became free since.
    """
    # What earlier tests left must not be given back in the middle.
    gc.collect()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0], hard))
        take()
        os.close(taken.pop(0))
        yield take
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)


def test_running_out_of_descriptors_closes_an_idle_connection_first(
    start: Start, clock: CountingClock
) -> None:
    running = start()
    with RawClient(running.url) as idle, socket.socket() as newcomer:
        newcomer.settimeout(PATIENCE)
        idle.ask(get("/echo"))
        turn(running)
        with no_descriptor_left():
            newcomer.connect(running.server.server_address[:2])
            assert idle.closed()
            # Nobody else is there for whom the newcomer, idle as well
            # by now, would have to go.
            assert rests(clock, newcomer)
            newcomer.sendall(get("/echo"))
            assert newcomer.recv(100).startswith(b"HTTP/1.1 200")


def test_running_out_of_descriptors_pauses_accepting_without_spinning(
    start: Start, clock: CountingClock, caplog: pytest.LogCaptureFixture
) -> None:
    running = start()

    def is_paused() -> bool:
        return "accept_paused" in map(action_of, caplog.records)

    with ExitStack() as stack:
        newcomers = [stack.enter_context(socket.socket()) for _ in range(NEWCOMERS)]
        with no_descriptor_left() as take:
            for newcomer in newcomers:
                newcomer.settimeout(PATIENCE)
                newcomer.connect(running.server.server_address[:2])
                newcomer.sendall(get("/echo"))
                answered = partial(readable, newcomer)
                until(lambda: is_paused() or answered(), "a pause or an answer")  # noqa: B023 - waited for here
                if is_paused():
                    break
                # Another thread of this process has closed something.
                newcomer.close()
                until(lambda: not running.server.connections, "the end of the connection")
                take()
            assert is_paused()
            assert rests(clock, newcomer)
        clock.advance(0.6)
        assert newcomer.recv(100).startswith(b"HTTP/1.1 200")
    assert len([record for record in caplog.records if action_of(record) == "accept_paused"]) == 1


def test_a_lingering_connection_is_dropped_when_it_falls_silent(
    start: Start, clock: ManualClock
) -> None:
    running = start(linger_timeout_s=2)
    with RawClient(running.url) as client:
        client.ask(get("/echo", "Connection: close"))
        assert client.closed()
        seen(running, lambda: len(running.server.lingering) == 1)
        clock.advance(2.1)
        seen(running, lambda: len(running.server.lingering) == 0)


def test_a_lingering_connection_is_dropped_when_it_never_falls_silent(
    start: Start, clock: ManualClock
) -> None:
    running = start(request_timeout_s=10)
    with RawClient(running.url) as client:
        client.ask(get("/echo", "Connection: close"))
        seen(running, lambda: len(running.server.lingering) == 1)
        for _ in range(7):
            clock.advance(1.5)
            client.send(b"more")
            turn(running)
        seen(running, lambda: len(running.server.lingering) == 0)


def chunked(path: str, chunks: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + chunks + b"0\r\n\r\n"


class HastyClock(ManualClock):
    """Passes by a whole slice of the loop with each look."""

    def monotonic(self) -> float:
        self.advance(SLICE_S)
        return super().monotonic()


def test_a_pipelined_flood_is_taken_in_slices(application: StubApplication) -> None:
    with (
        serving(application, ServerLimits(), HastyClock()) as running,
        RawClient(running.url) as greedy,
        RawClient(running.url) as other,
    ):
        other.ask(get("/echo"))
        greedy.send(get("/held") + 10 * get("/greedy"))
        assert application.entered.acquire(timeout=PATIENCE)
        other.send(get("/other"))
        application.gate.set()
        assert other.answer().status == 200
        assert [greedy.answer().status for _ in range(11)] == [200] * 11
    paths = [head.path for head in application.heads]
    assert paths.index("/other") - paths.index("/held") <= 2


@pytest.mark.parametrize("path", ["/greedy", "/refused"])
def test_a_body_of_tiny_chunks_is_taken_in_slices(path: str, application: StubApplication) -> None:
    with (
        serving(application, ServerLimits(), HastyClock()) as running,
        RawClient(running.url) as blocking,
        RawClient(running.url) as greedy,
        RawClient(running.url) as other,
    ):
        for client in (greedy, other):
            client.ask(get("/echo"))
        blocking.send(get("/held"))
        assert application.entered.acquire(timeout=PATIENCE)
        greedy.send(chunked(path, b"1\r\na\r\n" * 2_000) + get("/after"))
        other.send(10 * get("/other"))
        application.gate.set()
        assert [other.answer().status for _ in range(10)] == [200] * 10
        assert greedy.answer().status == (404 if path == "/refused" else 200)
        assert greedy.answer().status == 200
    paths = [head.path for head in application.heads]
    assert paths.index(path) < paths.index("/other")
    assert paths[-1] == "/after"


def test_a_body_of_tiny_chunks_has_the_time_limit_of_any_other(
    application: StubApplication,
) -> None:
    limits = ServerLimits(request_timeout_s=20 * SLICE_S)
    with (
        serving(application, limits, HastyClock()) as running,
        RawClient(running.url) as client,
    ):
        client.send(chunked("/echo", b"1\r\na\r\n" * 10_000))
        assert client.answer().status == 408
        assert client.closed()


@elsewhere
def test_a_flood_from_one_address_is_taken_in_slices(application: StubApplication) -> None:
    with serving(application, ServerLimits(), HastyClock()) as running, ExitStack() as stack:
        first = stack.enter_context(RawClient(running.url, address=ELSEWHERE))
        flood = [stack.enter_context(RawClient(running.url, address=ELSEWHERE)) for _ in range(50)]
        alice = stack.enter_context(RawClient(running.url))
        for client in (*flood, alice):
            assert client.ask(get("/echo")).status == 200
        first.send(get("/held"))
        assert application.entered.acquire(timeout=PATIENCE)
        for number, client in enumerate(flood):
            client.send(get("/held" if number == 0 else "/greedy"))
        application.gate.set()
        application.gate.clear()
        assert application.entered.acquire(timeout=PATIENCE)
        alice.send(get("/alice"))
        application.gate.set()
        assert alice.answer().status == 200
        assert [client.answer().status for client in flood] == [200] * 50
    paths = [head.path for head in application.heads]
    held = len(paths) - paths[::-1].index("/held") - 1
    assert paths.index("/alice") - held <= 3


class CountAtRendering:
    """A future's result that notes how many requests ran before it was
    rendered.
    """

    def __init__(self, application: StubApplication) -> None:
        self.ran = 0
        self._application = application

    def __str__(self) -> str:
        self.ran = len(self._application.bodies)
        return "done"


def test_a_response_that_is_there_does_not_wait_for_the_rest_of_a_slice(
    start: Start, application: StubApplication
) -> None:
    # The clock stands still, so the slice ends with the last of them.
    running = start()
    result = CountAtRendering(application)
    with ExitStack() as stack:
        first, alice, *flood = [
            stack.enter_context(RawClient(running.url)) for _ in range(2 + NEWCOMERS)
        ]
        for client in flood:
            assert client.ask(get("/echo")).status == 200
        alice.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        first.send(get("/held"))
        assert application.entered.acquire(timeout=PATIENCE)
        for number, client in enumerate(flood):
            client.send(get("/held" if number == 0 else "/greedy"))
        application.gate.set()
        application.gate.clear()
        assert application.entered.acquire(timeout=PATIENCE)
        before = len(application.bodies)
        application.futures[0].set_result(result)
        application.gate.set()
        assert alice.answer().status == 202
        assert [client.answer().status for client in flood] == [200] * NEWCOMERS
    assert result.ran == before


def test_who_waits_for_a_turn_is_not_reported_at_each_look(
    application: StubApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or looking for who else is ready would take all of the time."""
    reported: Counter[object] = Counter()
    with serving(application, ServerLimits(), HastyClock()) as running, ExitStack() as stack:
        selector = running.server._selector
        select = selector.select

        def count(timeout: float) -> list[tuple[selectors.SelectorKey, int]]:
            found = select(timeout)
            reported.update(key.data for key, _ in found if key.data is not None)
            return found

        first = stack.enter_context(RawClient(running.url))
        flood = [stack.enter_context(RawClient(running.url)) for _ in range(50)]
        for client in flood:
            assert client.ask(get("/echo")).status == 200
        first.send(get("/held"))
        assert application.entered.acquire(timeout=PATIENCE)
        monkeypatch.setattr(selector, "select", count)
        for client in flood:
            client.send(get("/greedy"))
        application.gate.set()
        assert [client.answer().status for client in flood] == [200] * 50
        assert [client.ask(get("/echo")).status for client in flood] == [200] * 50
    assert max(reported.values()) <= 5


def test_who_makes_room_while_it_waits_for_its_turn_harms_nobody(
    application: StubApplication,
) -> None:
    limits = ServerLimits(max_connections=4)
    half = b"GET /echo HTTP/1.1\r\nX: "
    with serving(application, limits, HastyClock()) as running, ExitStack() as stack:

        def connect() -> RawClient:
            return stack.enter_context(RawClient(running.url))

        first, second, leaving = connect(), connect(), connect()
        assert [client.ask(get("/echo")).status for client in (first, second)] == [200, 200]
        leaving.send(half)
        seen(running, lambda: len(running.server.reading) == 1)
        first.send(get("/held"))
        assert application.entered.acquire(timeout=PATIENCE)
        # The selector tells of newcomers before it tells of the rest.
        third = connect()
        second.send(get("/held"))
        leaving.send(half)
        application.gate.set()
        application.gate.clear()
        assert application.entered.acquire(timeout=PATIENCE)
        # All connections are taken, and one of them still waits for its
        # turn.
        newcomer = connect()
        application.gate.set()
        assert leaving.answer().status == 503
        assert newcomer.ask(get("/echo")).status == 200
        assert [client.answer().status for client in (first, second)] == [200, 200]
        assert third.ask(get("/echo")).status == 200
