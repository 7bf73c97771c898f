"""Room for newcomers when the server is full, and the connections that
are on their way out.
"""

import gc
import os
import resource
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from angarium.logs.line import action_of, fields_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.elsewhere import ELSEWHERE, elsewhere
from tests.fakes.raw_client import RawClient, get, post
from tests.fakes.serving import Start, seen, turn
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
    # The limit is above every open one: one that is closed counts.
    beyond = max(int(open_file.name) for open_file in Path("/dev/fd").iterdir()) + 1
    taken: list[int] = []

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))

    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (beyond, hard))
        take()
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
