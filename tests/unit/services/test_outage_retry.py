import pytest

from angarium.domain.errors import LogUnavailable, StoreUnavailable, Unavailable, WrongTopic
from angarium.services.outage_retry import LOCAL_MAX_S, OutageRetry, RetryWarnings
from tests.fakes.clock import ManualClock
from tests.unit.services.log_lines import LogLines


class Dependency:
    """Fails a number of times before it answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def ask(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "an answer"


class Retries:
    """Notes each retry."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, float]] = []

    def note(self, error: Exception, wait: float) -> None:
        self.noted.append((str(error), wait))


@pytest.fixture
def retries() -> Retries:
    return Retries()


@pytest.fixture
def retry(clock: ManualClock, retries: Retries) -> OutageRetry:
    return OutageRetry(clock, retries.note, clock.sleep, lambda _, most: most)


def test_an_answer_is_returned_without_a_retry(retry: OutageRetry, retries: Retries) -> None:
    assert retry(Dependency().ask) == "an answer"
    assert retries.noted == []


def test_log_and_store_are_asked_again_until_they_answer(
    retry: OutageRetry, retries: Retries, clock: ManualClock
) -> None:
    began = clock.monotonic()
    asked = Dependency(StoreUnavailable("node 3"), LogUnavailable("broker 1"))
    assert retry(asked.ask) == "an answer"
    assert retries.noted == [("node 3", 0.1), ("broker 1", 0.2)]
    assert clock.monotonic() - began == pytest.approx(0.3)


def test_what_no_time_can_mend_is_told_at_once(retry: OutageRetry, retries: Retries) -> None:
    asked = Dependency(WrongTopic("12 partitions, not 4"))
    with pytest.raises(WrongTopic, match="12 partitions, not 4"):
        retry(asked.ask)
    assert (asked.calls, retries.noted) == (1, [])


def test_the_waits_grow_to_five_seconds(retry: OutageRetry, retries: Retries) -> None:
    retry(Dependency(*[StoreUnavailable("away")] * 10).ask)
    assert retries.noted[-1][1] == 5.0


def test_an_outage_of_more_than_a_minute_is_raised(retry: OutageRetry, clock: ManualClock) -> None:
    began = clock.monotonic()
    with pytest.raises(StoreUnavailable, match="away"):
        retry(Dependency(*[StoreUnavailable("away")] * 1_000).ask)
    assert 50 < clock.monotonic() - began <= 60


def test_a_shorter_patience_ends_sooner(clock: ManualClock, retries: Retries) -> None:
    began = clock.monotonic()
    retry = OutageRetry(clock, retries.note, clock.sleep, lambda _, most: most, LOCAL_MAX_S)
    with pytest.raises(StoreUnavailable, match="away"):
        retry(Dependency(*[StoreUnavailable("away")] * 1_000).ask)
    assert 2 < clock.monotonic() - began <= LOCAL_MAX_S


def test_each_call_has_the_whole_time(retry: OutageRetry) -> None:
    outage = [StoreUnavailable("away")] * 12  # 46 s
    assert retry(Dependency(*outage).ask) == retry(Dependency(*outage).ask)


def test_another_error_is_not_retried(retry: OutageRetry, retries: Retries) -> None:
    asked = Dependency(ValueError("a defect"))
    with pytest.raises(ValueError, match="a defect"):
        retry(asked.ask)
    assert (asked.calls, retries.noted) == (1, [])


def test_an_outage_is_one_warning_and_then_debug_lines(
    clock: ManualClock, lines: LogLines
) -> None:
    warn = RetryWarnings("The store did not answer.")
    failures: list[Unavailable] = [StoreUnavailable("node 3 is silent")] * 3
    OutageRetry(clock, warn, clock.sleep, lambda _, most: most)(Dependency(*failures).ask)
    assert lines.levels("retry") == ["WARNING", "DEBUG", "DEBUG"]
    assert lines.of("retry")[0] == {
        "error_type": "StoreUnavailable",
        "reason": "node 3 is silent",
        "wait_ms": 100.0,
    }
