"""What is read at a time has a bound, and a late answer counts until it
comes.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.read_budget import MAX_READ_BYTES, ROW_BYTES, ReadBudget
from angarium.engines.cassandra.row_mapping import Rows

PATIENCE_S = 30.0
HASTE_S = 0.02


@pytest.fixture
def budget() -> ReadBudget:
    return ReadBudget(10 * ROW_BYTES)


def has_room(budget: ReadBudget, count: int, at_most_s: float = HASTE_S) -> bool:
    try:
        with budget.reserve(count, at_most_s):
            return True
    except StoreUnavailable:
        return False


def test_as_much_is_read_as_there_is_room_for(budget: ReadBudget) -> None:
    with budget.reserve(6, HASTE_S), budget.reserve(4, HASTE_S):
        assert not has_room(budget, 1)
    assert has_room(budget, 10)


def test_more_than_there_is_in_all_is_read_alone(budget: ReadBudget) -> None:
    with budget.reserve(1_000, HASTE_S):
        assert not has_room(budget, 1)
    with budget.reserve(1, HASTE_S):
        assert not has_room(budget, 1_000)
    assert has_room(budget, 10)


def test_who_waits_goes_on_when_there_is_room(budget: ReadBudget) -> None:
    with ThreadPoolExecutor(4) as threads, budget.reserve(10, HASTE_S):
        waiting = [threads.submit(has_room, budget, 5, PATIENCE_S) for _ in range(4)]
    assert [each.result() for each in waiting] == [True] * 4


def test_who_wants_much_is_not_passed_by_those_who_want_little(budget: ReadBudget) -> None:
    much, entered = threading.Event(), threading.Event()

    def want_much() -> bool:
        entered.set()
        with budget.reserve(10, PATIENCE_S):
            much.set()
        return True

    with ThreadPoolExecutor(1) as threads:
        with budget.reserve(5, HASTE_S):
            waiting = threads.submit(want_much)
            assert entered.wait(PATIENCE_S)
            while has_room(budget, 1, 0.001):
                assert not much.is_set()
        assert waiting.result(PATIENCE_S)


@pytest.mark.parametrize("failure", [None, StoreUnavailable("the node is gone")])
def test_answers_take_room_until_the_last_one_is_there(
    budget: ReadBudget, failure: StoreUnavailable | None
) -> None:
    late: list[Future[Rows]] = [Future(), Future(), Future()]
    with budget.reserve(10, HASTE_S) as answers:
        answers += late
    for number in (2, 0, 1):
        assert not has_room(budget, 1)
        if failure is None:
            late[number].set_result(())
        else:
            late[number].set_exception(failure)
    assert has_room(budget, 10)


def test_nothing_is_kept_of_what_was_refused(budget: ReadBudget) -> None:
    with budget.reserve(1, HASTE_S):
        assert not has_room(budget, 10)
    assert has_room(budget, 10)


def test_fifteen_usual_pages_are_read_at_a_time() -> None:
    assert 15 * 51 * ROW_BYTES <= MAX_READ_BYTES < 8 * 101 * ROW_BYTES
