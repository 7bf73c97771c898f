from collections.abc import Callable

from angarium.domain.errors import Unavailable
from angarium.router.tasks import CompletionQueue, Startable
from tests.fakes.clock import ManualClock


class Asked(Startable):
    """Keeps the callback of every try."""

    def __init__(self) -> None:
        self.tries: list[Callable[[object], None]] = []

    def start(self, ended: Callable[[object], None]) -> None:
        self.tries.append(ended)


class Refused(Startable):
    def start(self, ended: Callable[[object], None]) -> None:
        raise ConnectionError("at once")


def begun(clock: ManualClock) -> CompletionQueue[Startable]:
    return CompletionQueue(clock, 10)


def test_a_call_ends_once(clock: ManualClock) -> None:
    calls, asked = begun(clock), Asked()
    calls.start(asked)
    assert calls.take_completed(0) == []
    asked.tries[0](None)
    asked.tries[0](None)
    assert calls.take_completed(0) == [(asked, None)]
    assert (calls.take_completed(0), len(calls)) == ([], 0)


def test_a_call_that_fails_before_it_has_a_future_ends_with_that(clock: ManualClock) -> None:
    calls = begun(clock)
    calls.start(Refused())
    ((_, error),) = calls.take_completed(0)
    assert isinstance(error, ConnectionError)


def test_a_call_without_an_answer_ends_when_its_time_is_up(clock: ManualClock) -> None:
    calls, early, late = begun(clock), Asked(), Asked()
    calls.start(early)
    clock.advance(4)
    calls.start(late)
    clock.advance(6)
    ((call, error),) = calls.take_completed(0)
    assert call is early
    assert isinstance(error, Unavailable)
    assert len(calls) == 1


def test_a_late_answer_to_an_earlier_try_does_not_end_the_next_one(clock: ManualClock) -> None:
    calls, asked = begun(clock), Asked()
    calls.start(asked)
    clock.advance(10)
    assert len(calls.take_completed(0)) == 1
    calls.start(asked)
    asked.tries[0](None)
    assert calls.take_completed(0) == []
    asked.tries[1](None)
    assert calls.take_completed(0) == [(asked, None)]
