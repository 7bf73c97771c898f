import pytest

from angarium.engines.kafka.breaker import TRIES, TRY_SECONDS, Breaker
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def breaker(clock: ManualClock) -> Breaker:
    return Breaker(2, clock)


def test_a_partition_that_answers_takes_everything(breaker: Breaker) -> None:
    breaker.passed(0)
    assert all(breaker.admits(0, 1_000) for _ in range(10))


def test_a_partition_that_failed_gets_one_record_now_and_then(breaker: Breaker, clock: ManualClock) -> None:
    breaker.failed(0)
    assert not breaker.admits(0, 0)
    clock.advance(TRY_SECONDS)
    assert [breaker.admits(0, 0) for _ in range(3)] == [True, False, False]
    clock.advance(TRY_SECONDS)
    assert not breaker.admits(0, TRIES)
    assert breaker.admits(0, TRIES - 1)


def test_other_partitions_are_not_held_responsible(breaker: Breaker) -> None:
    breaker.failed(0)
    assert breaker.admits(1, 0)


def test_one_success_is_enough(breaker: Breaker) -> None:
    breaker.failed(0)
    breaker.passed(0)
    assert breaker.admits(0, 1_000)


def test_silence_is_measured_from_the_first_failure_after_the_last_success(
    breaker: Breaker, clock: ManualClock
) -> None:
    assert breaker.silent_for() == 0
    breaker.failed(0)
    clock.advance(3)
    breaker.failed(1)
    assert breaker.silent_for() == 3
    breaker.passed(1)
    assert breaker.silent_for() == 0


def test_a_new_producer_begins_anew(breaker: Breaker, clock: ManualClock) -> None:
    breaker.failed(0)
    clock.advance(0.1)
    breaker.reset()
    assert breaker.admits(0, 1_000)
    assert breaker.silent_for() == 0
