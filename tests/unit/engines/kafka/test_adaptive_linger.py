import pytest

from angarium.engines.kafka.adaptive_linger import (
    ALONE_SECONDS,
    BUSY_LINGER_MS,
    LINGER_MS,
    AdaptiveLinger,
)
from tests.fakes.clock import ManualClock

BETWEEN = ALONE_SECONDS / 4


@pytest.fixture
def linger(clock: ManualClock) -> AdaptiveLinger:
    """A caller who sends one record after the other."""
    linger = AdaptiveLinger(clock)
    come(linger, clock, 2)
    return linger


def come(linger: AdaptiveLinger, clock: ManualClock, records: int) -> None:
    for _ in range(records):
        clock.advance(BETWEEN)
        linger.record_arrived()


def test_records_wait_a_little_for_each_other(linger: AdaptiveLinger) -> None:
    assert linger.milliseconds() == LINGER_MS


def test_a_record_that_nobody_follows_does_not_wait(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    clock.advance(ALONE_SECONDS + BETWEEN)
    linger.record_arrived()
    assert linger.milliseconds() == 0


def test_the_first_record_of_all_does_not_wait(clock: ManualClock) -> None:
    linger = AdaptiveLinger(clock)
    linger.record_arrived()
    assert linger.milliseconds() == 0


def test_while_the_caller_goes_on_without_a_pause_records_wait_longer(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    linger.idle_hint()
    come(linger, clock, 3)
    assert linger.milliseconds() == BUSY_LINGER_MS


def test_nobody_waits_longer_for_a_caller_who_has_been_at_it_for_a_moment_only(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    linger.idle_hint()
    come(linger, clock, 2)
    assert linger.milliseconds() == LINGER_MS


def test_a_pause_ends_the_longer_wait(linger: AdaptiveLinger, clock: ManualClock) -> None:
    linger.idle_hint()
    come(linger, clock, 3)
    linger.idle_hint()
    assert linger.milliseconds() == LINGER_MS


def test_a_caller_who_never_tells_of_a_pause_is_not_waited_for(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    come(linger, clock, 100)
    assert linger.milliseconds() == LINGER_MS


def test_a_pause_tells_whether_anything_came_before_it(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    assert linger.idle_hint()
    assert not linger.idle_hint()
    come(linger, clock, 1)
    assert linger.idle_hint()
