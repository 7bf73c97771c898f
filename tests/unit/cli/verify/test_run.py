import threading

from angarium.cli.verify.run import RateLimiter
from tests.fakes.clock import ManualClock

FAST = 1e9


def taken(limiter: RateLimiter) -> int:
    count = 0
    while limiter.take() is not None:
        count += 1
    return count


def test_as_many_are_given_as_were_asked_for() -> None:
    assert taken(RateLimiter(5, None, FAST, threading.Event())) == 5


def test_none_begins_after_its_time() -> None:
    clock = ManualClock()
    limiter = RateLimiter(None, 10.0, FAST, threading.Event(), clock.monotonic)
    assert limiter.take() == 0
    clock.advance(10.0)
    assert limiter.take() is None


def test_what_would_only_be_due_after_the_end_is_not_waited_for() -> None:
    assert taken(RateLimiter(None, 0.1, 20.0, threading.Event())) == 2


def test_a_stop_ends_the_waiting_for_the_next_one() -> None:
    stopping = threading.Event()
    limiter = RateLimiter(None, None, 0.001, stopping)
    assert limiter.take() == 0
    stopping.set()
    assert limiter.take() is None
