import math
from itertools import islice, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.backoff import LAST_TRY_S, delays, delays_until, retry
from tests.fakes.clock import ManualClock


class Outage(Exception):
    """What a retry waits for to pass."""


class Flaky:
    """Fails a given number of times, then answers."""

    def __init__(self, failures: int, error: type[Exception] = Outage) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(f"failure {self.calls}")
        return "answer"


class Told:
    """Remembers what was retried."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, float]] = []

    def __call__(self, error: Exception, wait: float) -> None:
        self.failures.append((str(error), wait))


def upper(low: float, high: float) -> float:
    return high


def lower(low: float, high: float) -> float:
    return low


def test_the_waits_double_up_to_the_longest() -> None:
    assert list(islice(delays(0.5, 3.0, upper), 5)) == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert list(islice(delays(0.5, 3.0, lower), 5)) == [0.25, 0.5, 1.0, 1.5, 1.5]


@given(st.floats(0.001, 10), st.floats(0.001, 10))
def test_no_wait_is_longer_than_the_longest_or_nothing(first: float, most: float) -> None:
    assert all(0 < wait <= most for wait in islice(delays(first, most), 20))


def test_two_that_failed_together_do_not_come_back_together() -> None:
    assert list(islice(delays(), 5)) != list(islice(delays(), 5))


def test_the_waits_never_end_or_overflow() -> None:
    assert next(islice(delays(), 5_000, None)) <= 5.0


def test_a_call_that_succeeds_is_made_once() -> None:
    call, told, clock = Flaky(0), Told(), ManualClock()
    assert retry(call, Outage, lambda: math.inf, told, clock.sleep) == "answer"
    assert (call.calls, told.failures, clock.monotonic()) == (1, [], ManualClock().monotonic())


def test_a_call_is_repeated_until_it_succeeds_and_each_failure_is_told_before_the_wait() -> None:
    call, told, slept = Flaky(2), Told(), list[float]()

    def sleep(seconds: float) -> None:
        assert told.failures[-1][1] == seconds
        slept.append(seconds)

    assert retry(call, Outage, lambda: math.inf, told, sleep, iter([0.1, 0.2, 0.4])) == "answer"
    assert told.failures == [("failure 1", 0.1), ("failure 2", 0.2)]
    assert slept == [0.1, 0.2]


def test_an_outage_without_an_end_is_retried_for_ever_when_nothing_bounds_it() -> None:
    call, clock = Flaky(10_000), ManualClock()
    assert retry(call, Outage, lambda: math.inf, Told(), clock.sleep) == "answer"
    assert call.calls == 10_001


def test_the_last_failure_is_raised_when_the_next_wait_would_end_too_late() -> None:
    call, told, clock = Flaky(10_000), Told(), ManualClock()
    ends_at = clock.monotonic() + 2.0
    with pytest.raises(Outage, match="failure 4"):
        retry(call, Outage, lambda: ends_at - clock.monotonic(), told, clock.sleep, repeat(0.6))
    assert clock.monotonic() < ends_at
    assert [message for message, _ in told.failures] == ["failure 1", "failure 2", "failure 3"]


def test_with_no_time_left_a_call_is_still_made_once() -> None:
    call, clock = Flaky(0), ManualClock()
    assert retry(call, Outage, lambda: 0.0, Told(), clock.sleep) == "answer"


def test_another_error_is_not_retried() -> None:
    call, clock = Flaky(1, ValueError), ManualClock()
    with pytest.raises(ValueError, match="failure 1"):
        retry(call, Outage, lambda: math.inf, Told(), clock.sleep)
    assert call.calls == 1


def test_waits_that_end_are_a_fault_of_the_caller() -> None:
    with pytest.raises(AssertionError, match="must not end"):
        retry(Flaky(5), Outage, lambda: math.inf, Told(), ManualClock().sleep, iter([0.1]))


@pytest.mark.parametrize("seconds", [1.0, 7.3, 20.0])
def test_the_last_of_the_waits_until_a_moment_ends_just_before_it(seconds: float) -> None:
    clock = ManualClock()
    give_up_at = clock.monotonic() + seconds
    tries: list[float] = []

    def remaining() -> float:
        return give_up_at - clock.monotonic()

    def fail() -> None:
        tries.append(remaining())
        raise Outage

    with pytest.raises(Outage):
        retry(
            fail, Outage, remaining, Told(), clock.sleep, delays_until(remaining, 0.2, 2.0, upper)
        )
    assert tries[0] == pytest.approx(seconds)
    assert 0 < tries[-1] <= 2 * LAST_TRY_S + 1e-6
    assert len(tries) <= seconds / 2.0 + 7
