"""Turns on the event loop: no request keeps it from the others."""

import selectors
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from angarium.api.transport.limits import SLICE_S, ServerLimits
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.elsewhere import ELSEWHERE, elsewhere
from tests.fakes.raw_client import RawClient, get
from tests.fakes.serving import Start, seen, serving

PATIENCE = 30.0
FLOOD = 20


def chunked(path: str, chunks: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head.encode() + chunks + b"0\r\n\r\n"


def hold_with_the_flood_queued(
    application: StubApplication, first: RawClient, flood: Sequence[RawClient]
) -> None:
    """Hold the loop in the flood's first request, when all others of it
    are ready to be served.
    """
    first.send(get("/held"))
    assert application.entered.acquire(timeout=PATIENCE)
    for number, client in enumerate(flood):
        client.send(get("/held" if number == 0 else "/greedy"))
    application.gate.set()
    application.gate.clear()
    assert application.entered.acquire(timeout=PATIENCE)


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
        hold_with_the_flood_queued(application, first, flood)
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
            stack.enter_context(RawClient(running.url)) for _ in range(2 + FLOOD)
        ]
        for client in flood:
            assert client.ask(get("/echo")).status == 200
        alice.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        hold_with_the_flood_queued(application, first, flood)
        before = len(application.bodies)
        application.futures[0].set_result(result)
        application.gate.set()
        assert alice.answer().status == 202
        assert [client.answer().status for client in flood] == [200] * FLOOD
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
