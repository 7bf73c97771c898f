"""Bytes that clients make the server hold: by half requests, and by
answers that they do not take.
"""

import logging
from contextlib import ExitStack

import pytest

from angarium.api.transport.connection import Connection
from angarium.api.transport.limits import IN_HAND_COPIES, MAX_UNSENT
from angarium.logs.line import action_of, fields_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post
from tests.fakes.serving import Running, Start, seen, turn

PATIENCE = 30.0
ANSWER = 100_000
HALF = post("/echo", b"x" * 65_536)[:-1]
ROOM = 10 * len(HALF)


def held(running: Running) -> int:
    return running.server.memory.held


def await_with_an_answer_unsent(
    running: Running, client: RawClient, application: StubApplication
) -> Connection:
    """Have a request in hand while the socket takes no more of the
    answer to the one before it.

    How much a socket takes is the kernel's affair, so it is filled by
    pairs of requests: each pair is read in one go, and both are begun
    before anything is sent.
    """
    for _ in range(1000):
        client.send(get(f"/large/{MAX_UNSENT - 1000}") + get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        turn(running)
        for connection in running.server.connections:
            if connection._send_buffer.blocked:
                return connection
        application.futures[-1].set_result("done")
    raise AssertionError("the socket took a thousand answers")


def test_pipelined_answers_that_nobody_reads_do_not_pile_up(start: Start) -> None:
    running = start()
    with RawClient(running.url, receive_buffer=4096) as client:
        client.send(get(f"/large/{ANSWER}") * 64)
        seen(running, lambda: len(running.server.writing) == 1)
        (connection,) = running.server.writing
        assert connection._send_buffer.held <= MAX_UNSENT + ANSWER + 1000
        assert held(running) <= MAX_UNSENT + ANSWER + 1000 + 64 * len(get(f"/large/{ANSWER}"))
        assert [client.answer().body for _ in range(64)] == [b"x" * ANSWER] * 64
        seen(running, lambda: held(running) == 0)


def test_half_requests_make_room_for_others_before_they_fill_the_memory(start: Start) -> None:
    running = start(max_held_bytes=ROOM)
    with ExitStack() as stack:
        clients = []
        for _ in range(30):
            clients.append(stack.enter_context(RawClient(running.url)).send(HALF))
            with RawClient(running.url) as other:
                assert other.ask(get("/echo")).status == 200
                assert other.ask(post("/echo", b"hello")).body == b"hello"
            assert held(running) <= ROOM
        for client in clients[:15]:
            answer = client.answer()
            assert (answer.status, answer.code) == (503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
            assert client.closed()
        assert clients[-1].ask(b"x").status == 200, (
            "whoever came last is not the one that waited longest"
        )


def test_answers_that_nobody_reads_make_room_too(start: Start) -> None:
    size = 8_000_000
    running = start(max_held_bytes=2 * size)
    with ExitStack() as stack:
        for _ in range(5):
            client = stack.enter_context(RawClient(running.url, receive_buffer=4096))
            client.send(get(f"/large/{size}"))
        seen(running, lambda: len(running.server.writing) == 1)
        assert size < held(running) <= 2 * size


def test_a_request_that_is_answered_or_broken_off_holds_nothing(
    start: Start, application: StubApplication, clock: ManualClock
) -> None:
    running = start(request_timeout_s=10)
    body = b"x" * 65_536
    with (
        RawClient(running.url) as whole,
        RawClient(running.url) as late,
        RawClient(running.url) as broken,
        RawClient(running.url) as waiting,
    ):
        assert whole.ask(post("/echo", body)).body == body
        late.send(HALF)
        broken.send(HALF)
        waiting.send(post("/await", body))
        assert application.awaiting.acquire(timeout=PATIENCE)
        seen(running, lambda: held(running) >= (2 + IN_HAND_COPIES) * 65_000)
        broken.reset()
        seen(running, lambda: held(running) < (2 + IN_HAND_COPIES) * 65_000)
        clock.advance(10.1)
        assert late.answer().status == 408
        seen(running, lambda: held(running) == IN_HAND_COPIES * len(body))
        application.futures[0].set_result("done")
        assert waiting.answer().status == 202
        seen(running, lambda: held(running) == 0)


def test_when_requests_in_hand_alone_leave_no_room_the_next_one_is_refused_before_it_is_begun(
    start: Start, application: StubApplication
) -> None:
    # Small enough to arrive in one piece: a request of which a part is
    # there is ended while it is read.
    running = start(max_held_bytes=2 * IN_HAND_COPIES * 5_000 + 1_000)
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(running.url)) for _ in range(3)]
        for client in clients[:2]:
            client.send(post("/await", b"x" * 5_000))
            assert application.awaiting.acquire(timeout=PATIENCE)
        refused = clients[2].ask(post("/await", b"x" * 5_000))
        assert (refused.status, refused.code) == (503, "overloaded")
        assert clients[2].ask(get("/echo")).status == 200, "what takes no room goes on"
        assert held(running) == 2 * IN_HAND_COPIES * 5_000
        for future in application.futures:
            future.set_result("done")
        assert [client.answer().status for client in clients[:2]] == [202, 202]
        assert len(application.futures) == 2


def test_what_is_in_hand_makes_those_give_way_who_wait_for_their_clients(
    start: Start, application: StubApplication
) -> None:
    running = start(max_held_bytes=len(HALF) + 2_000)
    with RawClient(running.url) as slow, RawClient(running.url) as quick:
        slow.send(HALF)
        seen(running, lambda: held(running) >= 65_535)
        quick.send(post("/await", b"x" * 5_000))
        assert application.awaiting.acquire(timeout=PATIENCE)
        assert slow.answer().code == "overloaded"
        application.futures[0].set_result("done")
        assert quick.answer().status == 202


def test_what_a_client_that_left_has_begun_counts_until_it_ends(
    start: Start, application: StubApplication
) -> None:
    running = start()
    with RawClient(running.url) as client:
        client.send(post("/await", b"x" * 5_000))
        assert application.awaiting.acquire(timeout=PATIENCE)
        client.reset()
        # The one that is left is that of `seen` itself.
        seen(running, lambda: len(running.server.connections) == 1)
        assert held(running) == IN_HAND_COPIES * 5_000
        application.futures[-1].set_result("done")
        seen(running, lambda: held(running) == 0)


def test_a_body_of_tiny_pieces_is_kept_in_no_more_than_its_bytes(start: Start) -> None:
    running = start()
    with RawClient(running.url) as client:
        client.send(post("/echo", b"ab" * 500)[:-1000])
        for _ in range(499):
            client.send(b"ab")
            turn(running)
        (connection,) = running.server.reading
        assert held(running) == connection._held == 998
        assert client.ask(b"ab").body == b"ab" * 500


def test_connections_that_made_room_are_told_in_one_line(
    start: Start, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    running = start(max_held_bytes=2 * len(HALF))
    with ExitStack() as stack:
        clients = []
        for number in range(5):
            clients.append(stack.enter_context(RawClient(running.url)).send(HALF))
            if number < 2:
                seen(running, lambda: held(running) >= len(clients) * 65_535)
            else:
                assert clients[number - 2].answer().status == 503
        clock.advance(1)
        running.end()
    lines = [record for record in caplog.records if action_of(record) == "connections_shed"]
    assert {record.levelno for record in lines} == {logging.WARNING}
    assert sum(int(str(fields_of(record)["ended"])) for record in lines) == 3


def test_a_large_answer_is_on_its_way_before_the_next_request_is_begun(
    start: Start, application: StubApplication
) -> None:
    running = start()
    with RawClient(running.url, receive_buffer=4096) as client:
        client.send(get("/store-large/8000000") + get("/await"))
        seen(running, lambda: len(running.server.writing) == 1)
        assert not application.futures, "who takes no answer gets no second one made"
        assert client.answer().status == 200
        assert application.awaiting.acquire(timeout=PATIENCE)
        application.futures[0].set_result("done")
        assert client.answer().status == 202


def test_a_closed_connection_keeps_no_answer_while_its_next_request_is_in_hand(
    start: Start, application: StubApplication
) -> None:
    running = start()
    with RawClient(running.url, receive_buffer=4096) as client:
        connection = await_with_an_answer_unsent(running, client, application)
        assert connection._send_buffer.held > 0
        client.reset()
        seen(running, lambda: all(each is not connection for each in running.server.connections))
        assert connection._send_buffer.held == 0
        application.futures[-1].set_result("done")
        seen(running, lambda: held(running) == 0)
