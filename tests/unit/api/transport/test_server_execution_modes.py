"""Where requests run, how many at once, and for how long."""

import logging
from collections import Counter
from contextlib import ExitStack

import pytest

from angarium.api.interface import ExecutionMode
from angarium.api.transport.limits import SLICE_S
from angarium.logs.line import action_of, fields_of
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get, post
from tests.fakes.serving import Start, seen

PATIENCE = 30.0
TRACE = "0af7651916cd43dd8448eb211c80319c"


def entered(application: StubApplication, count: int = 1) -> None:
    for _ in range(count):
        assert application.entered.acquire(timeout=PATIENCE), "no request came to its lane"


def awaited(application: StubApplication, count: int = 1) -> None:
    for _ in range(count):
        assert application.awaiting.acquire(timeout=PATIENCE), "no request came to its future"


def test_requests_run_on_the_threads_of_their_lane(
    start: Start, application: StubApplication
) -> None:
    application.gate.set()
    with RawClient(start().url) as client:
        client.ask(get("/echo"))
        assert application.threads == {"server"}
        for path, names in (
            ("/store", {"store"}),
            ("/hash", {"", "hashing"}),
            ("/health", {"health"}),
        ):
            application.threads.clear()
            client.ask(get(path))
            assert {each.rpartition("-")[0] for each in application.threads} == names


def test_what_would_block_runs_again_where_it_may(
    start: Start, application: StubApplication
) -> None:
    with RawClient(start().url) as client:
        assert client.ask(post("/moved", b"again")).body == b"again"
    assert application.bodies == [b"again", b"again"]
    assert {each.rpartition("-")[0] for each in application.threads} == {"", "store"}


def test_a_full_lane_delays_no_other(start: Start, application: StubApplication) -> None:
    running = start(store_threads=2)
    with ExitStack() as stack:
        blocked = [
            stack.enter_context(RawClient(running.url)).send(get("/store")) for _ in range(4)
        ]
        entered(application, 2)
        with RawClient(running.url) as client:
            assert client.ask(get("/echo")).status == 200
            application.gate.set()
            assert client.ask(get("/hash")).status == 200
            assert client.ask(get("/health")).status == 200
        assert [client.answer().status for client in blocked] == [200] * 4


def test_whether_the_process_lives_is_answered_on_the_server_s_own_thread(
    start: Start, application: StubApplication
) -> None:
    with RawClient(start().url) as client:
        assert client.ask(get("/live")).status == 200
    assert application.threads == {"server"}


def test_an_answer_that_depends_on_a_future_holds_no_thread(
    start: Start, application: StubApplication
) -> None:
    running = start()
    with ExitStack() as stack:
        clients = [
            stack.enter_context(RawClient(running.url)).send(get("/await")) for _ in range(100)
        ]
        awaited(application, 100)
        with RawClient(running.url) as other:
            assert other.ask(get("/echo")).status == 200
        for number, future in enumerate(application.futures):
            future.set_result(number)
        assert sorted(int(client.answer().body) for client in clients) == list(range(100))
    assert application.threads == {"server"}


@pytest.mark.parametrize("path", ["/moved-await", "/store-await"])
def test_a_lane_may_come_to_a_future(
    start: Start, application: StubApplication, path: str
) -> None:
    with RawClient(start().url) as client:
        client.send(get(path) + get("/echo"))
        awaited(application)
        application.futures[0].set_result("done")
        assert client.answer().body == b"done"
        assert client.answer().status == 200


def test_a_future_that_is_late_is_answered_without_it(
    start: Start,
    application: StubApplication,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    application.await_within = 2.0
    running = start()
    with RawClient(running.url) as client, RawClient(running.url) as other:
        client.send(get("/await", f"X-Trace-Id: {TRACE}"))
        awaited(application)
        other.ask(get("/echo"))
        clock.advance(2.1)
        answer = client.answer()
        assert (answer.status, answer.code) == (503, "store_unavailable")
        application.futures[0].set_result("too late")
        for _ in range(2):
            other.ask(get("/echo"))
        assert client.ask(get("/echo")).body == b"{}"
    late = [fields_of(record) for record in caplog.records if action_of(record) == "late"]
    assert [(each["trace_id"], each["waiting_for"]) for each in late] == [(TRACE, "future")]


def test_a_future_that_fails_to_render_is_a_500(
    start: Start, application: StubApplication
) -> None:
    with RawClient(start().url) as client:
        client.send(get("/await"))
        awaited(application)
        application.futures[0].set_exception(ValueError("not for clients"))
        answer = client.answer()
        assert (answer.status, answer.code) == (500, "internal_error")
        assert b"not for clients" not in answer.body


@pytest.mark.parametrize(("path", "seconds"), [("/store", 2.0), ("/hash", 10.0), ("/health", 2.0)])
def test_a_request_whose_lane_hangs_is_answered_in_time(
    start: Start, application: StubApplication, clock: ManualClock, path: str, seconds: float
) -> None:
    running = start()
    with RawClient(running.url) as client, RawClient(running.url) as other:
        client.send(get(path))
        entered(application)
        clock.advance(seconds - 0.5)
        assert other.ask(get("/echo")).status == 200
        clock.advance(0.6)
        assert client.answer().status == 503
        application.gate.set()
        assert other.ask(get(path)).status == 200
        assert client.ask(get("/echo")).body == b"{}"


def test_what_waited_too_long_for_its_lane_is_never_run(
    start: Start, application: StubApplication, clock: ManualClock
) -> None:
    running = start(store_threads=1)
    with RawClient(running.url) as hanging, RawClient(running.url) as waiting:
        hanging.send(post("/store", b"hanging"))
        entered(application)
        waiting.send(post("/store", b"waiting"))
        with RawClient(running.url) as other:
            other.ask(get("/echo"))
            while running.server.dispatcher.in_flight < 2:
                other.ask(get("/echo"))
        clock.advance(2.1)
        assert [hanging.answer().status, waiting.answer().status] == [503, 503]
        application.gate.set()
        assert waiting.ask(post("/store", b"next")).body == b"next"
    assert b"waiting" not in application.bodies


def test_what_nobody_waits_for_any_more_holds_no_body(
    start: Start, application: StubApplication, clock: ManualClock
) -> None:
    running = start(store_threads=1)
    with RawClient(running.url) as hanging, RawClient(running.url) as waiting:
        hanging.send(get("/store"))
        entered(application)
        waiting.send(post("/store", b"waiting"))
        seen(running, lambda: running.server.dispatcher.in_flight == 2)
        (_, queued) = running.server.dispatcher._pool_timeouts[ExecutionMode.STORE]
        assert queued.body == b"waiting"
        clock.advance(2.1)
        assert waiting.answer().status == 503
        assert queued.body == b""


def test_a_lane_that_hangs_keeps_nothing_of_what_was_answered_without_it(
    start: Start, application: StubApplication, clock: ManualClock
) -> None:
    running = start(store_threads=1, max_in_flight=2)
    queue = running.server.dispatcher._pools[ExecutionMode.STORE]._queue
    with RawClient(running.url) as hanging, RawClient(running.url) as client:
        hanging.send(get("/store"))
        entered(application)
        for _ in range(3):
            client.send(get("/store"))
            seen(running, lambda: queue._size == 2)
            clock.advance(2.1)
            assert client.answer().code == "store_unavailable"
            assert queue._size == 1


def test_a_lane_knows_how_much_time_is_left(start: Start, application: StubApplication) -> None:
    application.gate.set()
    with RawClient(start().url) as client:
        client.ask(get("/store"))
        client.ask(get("/hash"))
    store, hashing = application.remaining
    assert 0 < store <= 2.0 < hashing <= 10.0


def test_lines_of_a_lane_have_the_requests_trace_id(
    start: Start, application: StubApplication, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "angarium.stub")
    with RawClient(start().url) as client:
        client.ask(get("/moved", f"X-Trace-Id: {TRACE}"))
        client.ask(get("/echo", f"X-Trace-Id: {TRACE}"))
    assert [fields_of(record)["trace_id"] for record in caplog.records] == [TRACE, TRACE, TRACE]


def test_requests_in_hand_are_bounded(start: Start, application: StubApplication) -> None:
    running = start(max_in_flight=3)
    with ExitStack() as stack:
        held = [stack.enter_context(RawClient(running.url)).send(get("/await")) for _ in range(3)]
        awaited(application, 3)
        with RawClient(running.url) as client:
            for path in ("/await", "/echo", "/store"):
                answer = client.ask(get(path))
                assert (answer.status, answer.code) == (503, "overloaded")
                assert int(answer.headers["retry-after"]) >= 1
            assert client.ask(get("/refused")).status == 404
            assert client.ask(get("/live")).status == 200
            application.gate.set()
            assert client.ask(get("/health")).status == 200
            application.futures[0].set_result("one")
            assert held[0].answer().status == 202
            assert client.ask(get("/echo")).status == 200
        for future in application.futures[1:]:
            future.set_result("all")
        assert [client.answer().status for client in held[1:]] == [202, 202]
    assert running.server.dispatcher.in_flight == 0


def test_what_is_late_together_is_answered_in_slices_without_a_wait(
    start: Start, application: StubApplication, clock: ManualClock
) -> None:
    # But for the answers themselves the clock stands still after its
    # step: no later look comes for those that the first one left.
    running = start(request_timeout_s=10)
    application.await_within = 2.0
    many = 5
    looks: list[int] = []

    def refuse() -> None:
        clock.advance(SLICE_S)
        looks.append(len(application.reports))

    application.refusing = refuse
    with ExitStack() as stack:
        late = [
            stack.enter_context(RawClient(running.url)).send(get("/await")) for _ in range(many)
        ]
        awaited(application, many)
        slow = [stack.enter_context(RawClient(running.url)).send(b"GET /") for _ in range(many)]
        seen(running, lambda: len(running.server.reading) == many)
        clock.advance(11)
        assert {client.answer().status for client in late} == {503}
        assert {client.answer().status for client in slow} == {408}
    assert set(Counter(looks).values()) <= {1, 2}, "one of each kind at a look"


def test_a_request_that_is_still_being_sent_is_not_in_hand(start: Start) -> None:
    running = start(max_in_flight=1)
    with RawClient(running.url) as slow, RawClient(running.url) as quick:
        slow.send(post("/echo", b"hello")[:-1])
        assert quick.ask(get("/echo")).status == 200


def test_an_overload_is_told_in_the_log(
    start: Start,
    application: StubApplication,
    caplog: pytest.LogCaptureFixture,
    clock: ManualClock,
) -> None:
    running = start(max_in_flight=1)
    with RawClient(running.url) as held, RawClient(running.url) as client:
        held.send(get("/await"))
        awaited(application)
        assert client.ask(get("/echo")).status == 503
        clock.advance(1)
        application.futures[0].set_result("done")
        held.answer()
        running.end()
    assert [record.levelno for record in caplog.records if action_of(record) == "overloaded"] == [
        logging.WARNING
    ]


def test_a_client_that_leaves_gives_its_place_back(
    start: Start, application: StubApplication, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "angarium")
    running = start(max_in_flight=1)
    with RawClient(running.url) as client:
        client.send(get("/await"))
        awaited(application)
        client.reset()
    application.futures[0].set_result("for nobody")
    with RawClient(running.url) as client:
        while client.ask(get("/echo")).status == 503:
            pass
    statuses = [
        fields_of(record)["status"] for record in caplog.records if action_of(record) == "request"
    ]
    assert statuses.count(202) == 1
