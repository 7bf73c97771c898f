"""Stopping: what is in hand is finished, nothing new is begun, and the
end is bounded.
"""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.transport.acceptor import MAX_ACCEPTED_AT_ONCE
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.server import Server
from angarium.clock import SystemClock
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post
from tests.fakes.serving import Running, serving

PATIENCE = 30.0


@pytest.fixture
def application() -> Iterator[StubApplication]:
    made = StubApplication()
    yield made
    made.gate.set()


@pytest.fixture
def running(application: StubApplication) -> Iterator[Running]:
    with serving(application) as server:
        yield server


def refused(running: Running) -> bool:
    try:
        RawClient(running.url).close()
    except ConnectionError:
        return True
    return False


def test_a_server_with_nothing_in_hand_stops_at_once(running: Running) -> None:
    with RawClient(running.url) as idle:
        idle.ask(get("/echo"))
        running.server.stop(PATIENCE)
        assert running.stopped()
        assert idle.closed()


@pytest.mark.parametrize("path", ["/await", "/store-await"])
def test_a_request_that_waits_is_finished(
    running: Running, application: StubApplication, path: str
) -> None:
    with RawClient(running.url) as client, RawClient(running.url) as idle:
        idle.ask(get("/echo"))
        client.send(get(path))
        assert application.awaiting.acquire(timeout=PATIENCE)
        running.server.stop(PATIENCE)
        assert idle.closed()
        assert refused(running)
        application.futures[0].set_result("finished")
        answer = client.answer()
        assert (answer.body, answer.headers["connection"]) == (b"finished", "close")
        client.close()
        assert running.stopped()


def test_a_request_on_a_lane_is_finished(running: Running, application: StubApplication) -> None:
    with RawClient(running.url) as client:
        client.send(get("/store"))
        assert application.entered.acquire(timeout=PATIENCE)
        running.server.stop(PATIENCE)
        application.gate.set()
        assert client.answer().status == 200
        client.close()
        assert running.stopped()


def test_a_request_that_is_being_sent_is_finished(running: Running) -> None:
    with RawClient(running.url) as client, RawClient(running.url) as idle:
        idle.ask(get("/echo"))
        client.send(post("/echo", b"hello")[:-1])
        while not len(running.server.reading):
            idle.ask(get("/echo"))
        running.server.stop(PATIENCE)
        assert idle.closed()
        assert client.ask(b"o").body == b"hello"
        client.close()
        assert running.stopped()


def test_a_body_that_is_answered_already_is_not_waited_for(application: StubApplication) -> None:
    with serving(application, clock=ManualClock()) as running, RawClient(running.url) as client:
        assert client.ask(post("/refused", b"hello")[:-2]).status == 404
        running.server.stop(PATIENCE)
        assert client.closed()
        client.close()
        assert running.stopped()


def test_what_was_sent_before_the_stop_is_answered(application: StubApplication) -> None:
    server = Server(("127.0.0.1", 0), application, ServerLimits(), SystemClock())
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(server.url)) for _ in range(2 * MAX_ACCEPTED_AT_ONCE)
        ]
        for client in clients:
            client.send(get("/echo"))
        server.stop(PATIENCE)
        running = Running(server)
        for client in clients:
            answer = client.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            client.close()
        assert running.stopped()


def test_a_client_that_left_is_still_in_hand(
    running: Running, application: StubApplication
) -> None:
    with RawClient(running.url) as client:
        client.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        client.reset()
    running.server.stop(PATIENCE)
    assert not running.stopped(0.2)
    application.futures[0].set_result("for nobody")
    assert running.stopped()


def test_the_grace_is_a_bound_and_whoever_waits_then_is_told_so(
    running: Running, application: StubApplication
) -> None:
    with RawClient(running.url) as client, RawClient(running.url) as hanging:
        client.send(get("/await"))
        hanging.send(get("/store"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        assert application.entered.acquire(timeout=PATIENCE)
        running.server.stop(0.1)
        assert [client.answer().status, hanging.answer().status] == [503, 503]
        assert running.stopped()


def test_a_second_stop_ends_at_once(running: Running, application: StubApplication) -> None:
    with RawClient(running.url) as client:
        client.send(get("/await"))
        assert application.awaiting.acquire(timeout=PATIENCE)
        running.server.stop(1000)
        assert not running.stopped(0.1)
        running.server.stop(1000)
        assert running.stopped()


def test_a_signal_handler_may_stop_the_server(application: StubApplication) -> None:
    server = Server(("127.0.0.1", 0), application, ServerLimits(), SystemClock())
    before = signal.signal(signal.SIGUSR1, lambda *_: server.stop(PATIENCE))
    try:
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
        timer.start()
        server.serve()
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_standard_librarys_names_start_and_stop_it_too(application: StubApplication) -> None:
    server = Server(("127.0.0.1", 0), application, ServerLimits(), SystemClock())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with RawClient(server.url) as client:
        assert client.ask(get("/echo")).status == 200
        server.shutdown()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_nothing_is_left_open_after_a_stop(application: StubApplication) -> None:
    before = set(threading.enumerate())
    with serving(application) as running, RawClient(running.url) as client:
        client.ask(get("/echo"))
    assert running.server.socket.fileno() == -1
    assert not set(threading.enumerate()) - before


def test_an_address_that_is_taken_is_told(application: StubApplication, running: Running) -> None:
    host, port = running.server.server_address[:2]
    with pytest.raises(OSError, match="in use"):
        Server((str(host), int(port)), application, ServerLimits(), SystemClock())


def test_a_server_may_listen_on_ipv6(application: StubApplication) -> None:
    if not socket.has_ipv6:
        pytest.skip("the machine has no IPv6")
    try:
        server = Server(("::1", 0), application, ServerLimits(), SystemClock())
    except OSError:
        pytest.skip("the machine has no IPv6 loopback address")
    assert server.url == f"http://[::1]:{server.server_address[1]}"
    server.server_close()
