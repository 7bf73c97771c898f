"""A request that was answered, in the driver's own future."""

import gc
import weakref
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from cassandra.cluster import ResponseFuture
from cassandra.connection import Timer

from angarium.engines.cassandra.patches.stopped_timer import forget_request

queue: list[Timer] = []


def create_timer(seconds: float, callback: object) -> Timer:
    """Keep a timer as the driver's queue does, stopped or not."""
    queue.append(Timer(seconds, callback))
    return queue[-1]


@pytest.fixture(autouse=True)
def _without_garbage_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()
    queue.clear()


def answered(timeout: float | None = 2.0) -> ResponseFuture:
    """Give the driver's future of a request that has its answer."""
    policy = SimpleNamespace(make_query_plan=lambda _keyspace, _query: iter(()))
    session = SimpleNamespace(
        row_factory=None,
        keyspace="chat",
        cluster=SimpleNamespace(
            _default_load_balancing_policy=policy,
            connection_class=SimpleNamespace(create_timer=create_timer),
        ),
    )
    future = ResponseFuture(session, None, None, timeout)
    future._set_final_result([("a text",)])
    return future


def test_a_stopped_timer_keeps_no_request() -> None:
    future = answered()
    gone = weakref.ref(future)
    forget_request(future)
    del future
    assert gone() is None
    queue[0].callback()


def test_the_drivers_own_stopped_timer_still_keeps_its_request() -> None:
    future = answered()
    gone = weakref.ref(future)
    del future
    assert queue[0].canceled
    assert gone() is not None


def test_a_request_without_a_time_limit_has_no_timer() -> None:
    forget_request(answered(timeout=None))
    assert not queue
