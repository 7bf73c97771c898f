import pytest

from angarium.engines.kafka.adaptive_linger import (
    ALONE_S,
    BUSY_LINGER_MS,
    GATHER_MS,
    LINGER_MS,
    AdaptiveLinger,
)
from tests.fakes.clock import ManualClock

MOMENT = 0.000_1


@pytest.fixture
def linger(clock: ManualClock) -> AdaptiveLinger:
    """Records that have just left."""
    linger = AdaptiveLinger(clock)
    linger.record_arrived()
    linger.records_left()
    clock.advance(MOMENT)
    return linger


def remaining_ms(linger: AdaptiveLinger, clock: ManualClock) -> float:
    return (linger.due_at() - clock.monotonic()) * 1000


def be_busy(linger: AdaptiveLinger, clock: ManualClock) -> None:
    linger.record_arrived()
    clock.advance(LINGER_MS / 1000 + MOMENT)


def test_records_wait_for_each_other_until_a_while_after_the_last_request(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    linger.record_arrived()
    linger.idle_hint()
    assert remaining_ms(linger, clock) == pytest.approx(LINGER_MS - MOMENT * 1000)


def test_a_record_that_comes_later_waits_for_what_the_caller_still_sends(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    clock.advance(LINGER_MS / 1000)
    linger.record_arrived()
    assert remaining_ms(linger, clock) == pytest.approx(LINGER_MS)


def test_a_record_that_comes_before_a_pause_waits_for_a_moment_only(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    clock.advance(LINGER_MS / 1000)
    linger.record_arrived()
    linger.idle_hint()
    assert remaining_ms(linger, clock) == pytest.approx(GATHER_MS)


def test_the_moment_counts_from_the_first_that_waits(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    clock.advance(LINGER_MS / 1000)
    linger.record_arrived()
    clock.advance(GATHER_MS / 2000)
    linger.record_arrived()
    linger.idle_hint()
    assert remaining_ms(linger, clock) == pytest.approx(GATHER_MS / 2)


def test_a_record_that_comes_much_later_does_not_wait(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    clock.advance(ALONE_S)
    linger.record_arrived()
    assert linger.due_at() <= clock.monotonic()


def test_the_first_record_of_all_does_not_wait(clock: ManualClock) -> None:
    linger = AdaptiveLinger(clock)
    linger.record_arrived()
    assert linger.due_at() <= clock.monotonic()


def test_while_the_caller_goes_on_without_a_pause_records_wait_longer(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    linger.idle_hint()
    be_busy(linger, clock)
    assert remaining_ms(linger, clock) == pytest.approx(
        BUSY_LINGER_MS - LINGER_MS - 2 * MOMENT * 1000
    )


def test_nobody_waits_longer_for_a_caller_who_has_been_at_it_for_a_moment_only(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    linger.idle_hint()
    linger.record_arrived()
    assert remaining_ms(linger, clock) == pytest.approx(LINGER_MS)


def test_a_pause_ends_the_longer_wait(linger: AdaptiveLinger, clock: ManualClock) -> None:
    linger.idle_hint()
    be_busy(linger, clock)
    linger.idle_hint()
    assert linger.due_at() <= clock.monotonic()


def test_a_caller_who_never_tells_of_a_pause_is_not_waited_for(
    linger: AdaptiveLinger, clock: ManualClock
) -> None:
    be_busy(linger, clock)
    assert linger.due_at() <= clock.monotonic()


def test_a_pause_tells_whether_anything_came_before_it(linger: AdaptiveLinger) -> None:
    assert linger.idle_hint()
    assert not linger.idle_hint()
    linger.record_arrived()
    assert linger.idle_hint()
