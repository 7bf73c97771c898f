import pytest

from angarium.engines.kafka.circuit_breaker import (
    MAX_WAITING_PROBES,
    PROBE_S,
    CircuitBreaker,
)
from tests.fakes.clock import ManualClock


@pytest.fixture
def breaker(clock: ManualClock) -> CircuitBreaker:
    return CircuitBreaker(2, clock)


def test_a_partition_that_answers_takes_everything(breaker: CircuitBreaker) -> None:
    breaker.record_success(0)
    assert all(breaker.allows(0, 1_000) for _ in range(10))


def test_a_partition_that_failed_gets_one_record_now_and_then(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    breaker.record_failure(0)
    assert not breaker.allows(0, 0)
    clock.advance(PROBE_S)
    assert [breaker.allows(0, 0) for _ in range(3)] == [True, False, False]
    clock.advance(PROBE_S)
    assert not breaker.allows(0, MAX_WAITING_PROBES)
    assert breaker.allows(0, MAX_WAITING_PROBES - 1)


def test_other_partitions_are_not_held_responsible(breaker: CircuitBreaker) -> None:
    breaker.record_failure(0)
    assert breaker.allows(1, 0)


def test_one_success_is_enough(breaker: CircuitBreaker) -> None:
    breaker.record_failure(0)
    breaker.record_success(0)
    assert breaker.allows(0, 1_000)


def test_silence_is_measured_from_the_first_failure_after_the_last_success(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    assert breaker.failing_for() == 0
    breaker.record_failure(0)
    clock.advance(3)
    breaker.record_failure(1)
    assert breaker.failing_for() == 3
    breaker.record_success(1)
    assert breaker.failing_for() == 0


def test_a_new_producer_begins_anew(breaker: CircuitBreaker, clock: ManualClock) -> None:
    breaker.record_failure(0)
    clock.advance(0.1)
    breaker.reset()
    assert breaker.allows(0, 1_000)
    assert breaker.failing_for() == 0
