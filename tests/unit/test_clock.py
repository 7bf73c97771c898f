import time

from angarium.clock import SystemClock
from tests.fakes.clock import ManualClock


def test_the_wall_clock_counts_milliseconds_since_the_epoch() -> None:
    before = time.time()
    told = SystemClock().now_ms()
    after = time.time()
    assert int(before * 1000) <= told <= int(after * 1000)


def test_monotonic_time_only_rises() -> None:
    clock = SystemClock()
    told = [clock.monotonic() for _ in range(1_000)]
    assert told == sorted(told)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(now_ms=5_000, monotonic=1.0)
    assert (clock.now_ms(), clock.monotonic()) == (5_000, 1.0)
    clock.advance(1.5)
    assert (clock.now_ms(), clock.monotonic()) == (6_500, 2.5)


def test_a_step_of_the_wall_clock_leaves_monotonic_time_alone() -> None:
    clock = ManualClock(now_ms=5_000, monotonic=1.0)
    clock.step_wall(-4_000)
    assert (clock.now_ms(), clock.monotonic()) == (1_000, 1.0)
