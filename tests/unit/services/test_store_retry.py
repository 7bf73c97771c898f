import pytest

from angarium import deadline, logs
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.services.store_retry import StoreRetry
from tests.unit.services.log_lines import LogLines


class Flaky:
    """A store that fails some times before it answers, and notes the
    time that each call was given.
    """

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.given: list[float] = []

    def ask(self) -> str:
        self.calls += 1
        self.given.append(deadline.remaining(60.0))
        if self.calls <= self.failures:
            raise StoreUnavailable("node 3 is silent")
        return "an answer"


def test_an_answer_comes_back_at_once(lines: LogLines) -> None:
    store = Flaky(0)
    assert StoreRetry()(store.ask) == "an answer"
    assert store.calls == 1
    assert lines.text() == ""


def test_a_store_that_comes_back_in_time_is_not_noticed_by_the_caller(lines: LogLines) -> None:
    waits: list[float] = []
    store = Flaky(3)
    with logs.bound(trace_id="a" * 32):
        assert (
            StoreRetry(sleep=waits.append, uniform=lambda _, most: most)(store.ask) == "an answer"
        )
    assert store.calls == 4
    assert waits == [0.05, 0.1, 0.2]
    retries = lines.of("retry")
    assert [line["wait_ms"] for line in retries] == [50, 100, 200]
    assert {line["trace_id"] for line in retries} == {"a" * 32}
    assert {line["error_type"] for line in retries} == {"StoreUnavailable"}
    assert lines.of("store_unavailable") == []


def test_of_the_retries_of_an_outage_one_is_told_in_a_while(lines: LogLines) -> None:
    calls = StoreRetry(sleep=lambda _: None)
    for _ in range(5):
        calls(Flaky(3).ask)
    assert lines.levels("retry") == ["WARNING"] + ["DEBUG"] * 14


def test_the_waits_stay_short_enough_to_see_the_store_come_back() -> None:
    waits: list[float] = []
    StoreRetry(sleep=waits.append, uniform=lambda _, most: most)(Flaky(8).ask)
    assert max(waits) == 0.5


def test_a_store_that_stays_away_is_given_up_and_left_to_whoever_answers(lines: LogLines) -> None:
    store = Flaky(1_000_000)
    with pytest.raises(StoreUnavailable, match="node 3"):
        StoreRetry(at_most_s=0.1, uniform=lambda least, _: least)(store.ask)
    assert store.calls >= 2
    assert lines.of("store_unavailable") == []


def test_every_call_is_bounded_by_two_seconds() -> None:
    store = Flaky(0)
    StoreRetry()(store.ask)
    assert 0 < store.given[0] <= 2.0


def test_a_nearer_deadline_wins() -> None:
    store = Flaky(1_000_000)
    with deadline.within(0), pytest.raises(StoreUnavailable):
        StoreRetry()(store.ask)
    assert store.calls == 1
    assert store.given == [0.0]


def test_the_bound_ends_with_the_call() -> None:
    StoreRetry()(Flaky(0).ask)
    assert deadline.remaining(60.0) == 60.0


def test_another_error_is_not_tried_again(lines: LogLines) -> None:
    calls = []

    def ask() -> None:
        calls.append(1)
        raise LogUnavailable("not a store")

    with pytest.raises(LogUnavailable):
        StoreRetry()(ask)
    assert len(calls) == 1
    assert lines.text() == ""
