import threading
from functools import partial

import pytest

from angarium.services.patience import TimeoutWatcher


def test_it_calls_back_when_the_time_is_over() -> None:
    called = threading.Event()
    TimeoutWatcher(0.01).watch(called.set)
    assert called.wait(10)


def test_it_calls_back_in_the_order_of_the_watches_and_serves_later_ones_too() -> None:
    patience = TimeoutWatcher(0.005)
    order: list[int] = []
    for _ in range(3):
        done = threading.Event()
        for number in range(5):
            patience.watch(partial(order.append, number))
        patience.watch(done.set)
        assert done.wait(10)
    assert order == [0, 1, 2, 3, 4] * 3


def test_many_threads_may_watch_at_once() -> None:
    patience = TimeoutWatcher(0.001)
    calls = threading.Semaphore(0)

    def watch() -> None:
        for _ in range(50):
            patience.watch(calls.release)

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for _ in range(200):
        assert calls.acquire(timeout=10)


def test_where_no_thread_can_start_the_wait_ends_at_once_and_later_ones_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience = TimeoutWatcher(0.01)
    ended = threading.Event()
    with monkeypatch.context() as refusing:
        refusing.setattr(threading.Thread, "start", refuse_to_start)
        patience.watch(ended.set)
    assert ended.is_set()
    later = threading.Event()
    patience.watch(later.set)
    assert later.wait(10)


def refuse_to_start(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
