"""Of all who ask the same at once one asks Cassandra."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from angarium.deadline import within
from angarium.domain.errors import StoreUnavailable
from tests.unit.engines.cassandra.flights import GIVE_UP_S, CountedFlight

Flight = CountedFlight[str, str]

OTHERS = 5


class Calls:
    """Calls that begin, and end when and as a test says."""

    def __init__(self) -> None:
        self.begun: list[Future[str]] = []
        self._changed = threading.Condition()

    def __call__(self) -> str:
        outcome: Future[str] = Future()
        with self._changed:
            self.begun.append(outcome)
            self._changed.notify_all()
        return outcome.result(GIVE_UP_S)

    def wait_for(self, number: int) -> None:
        """Wait until so many have begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= number, GIVE_UP_S)


@pytest.fixture
def flight() -> Flight:
    return CountedFlight()


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_those_who_ask_the_same_meanwhile_take_its_outcome(flight: Flight, calls: Calls) -> None:
    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(flight.run, "one", calls) for _ in range(OTHERS)]
        flight.wait_for(OTHERS)
        (only,) = calls.begun
        only.set_result("done")
        assert [each.result(GIVE_UP_S) for each in asking] == ["done"] * OTHERS
    assert calls.begun == [only]


def test_whoever_asks_something_else_does_not_wait(flight: Flight, calls: Calls) -> None:
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(flight.run, "one", calls)
        flight.wait_for(1)
        assert flight.run("another", lambda: "at once") == "at once"
        calls.wait_for(1)
        calls.begun[0].set_result("done")
        assert asking.result(GIVE_UP_S) == "done"


def test_whoever_asks_afterwards_asks_anew(flight: Flight) -> None:
    answers = iter(["first", "second"])
    assert [flight.run("one", lambda: next(answers)) for _ in range(2)] == ["first", "second"]


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("a fault of ours")])
def test_when_it_fails_one_of_those_who_wait_takes_over(
    flight: Flight, calls: Calls, error: Exception
) -> None:
    with ThreadPoolExecutor() as pool:
        first = pool.submit(flight.run, "one", calls)
        flight.wait_for(1)
        others = [pool.submit(flight.run, "one", calls) for _ in range(OTHERS)]
        flight.wait_for(OTHERS)
        calls.begun[0].set_exception(error)
        calls.wait_for(2)
        # Those who wait join once more.
        flight.wait_for(OTHERS)
        assert len(calls.begun) == 2
        calls.begun[1].set_result("done")
        assert [each.result(GIVE_UP_S) for each in others] == ["done"] * OTHERS
        assert first.exception(GIVE_UP_S) is error


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_nobody_waits_for_others_longer_than_their_own_deadline(
    flight: Flight, calls: Calls, seconds: float
) -> None:
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(flight.run, "one", calls)
        flight.wait_for(1)
        with within(seconds), pytest.raises(StoreUnavailable, match="in time"):
            flight.run("one", calls)
        calls.wait_for(1)
        calls.begun[0].set_result("done")
        assert asking.result(GIVE_UP_S) == "done"


def test_an_outage_is_told_to_each_and_ends(flight: Flight) -> None:
    def away() -> str:
        raise StoreUnavailable("away")

    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(flight.run, "one", away) for _ in range(OTHERS)]
        errors = [each.exception(GIVE_UP_S) for each in asking]
    assert [type(each) for each in errors] == [StoreUnavailable] * OTHERS
    assert flight.run("one", lambda: "back") == "back"
