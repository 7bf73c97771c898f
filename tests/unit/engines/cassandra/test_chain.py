from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.chain import Chain, await_future, gather, run_chain
from angarium.engines.cassandra.row_mapping import Rows
from angarium.futures import done, failed


def both(first: "Future[Rows]", second: "Future[Rows]") -> Chain[list[Rows]]:
    answers = [(yield first)]
    answers.append((yield second))
    return answers


def test_steps_go_on_with_each_answer_in_turn() -> None:
    first: Future[Rows] = Future()
    second: Future[Rows] = Future()
    outcome = run_chain(both(first, second))
    second.set_result([(2,)])
    assert not outcome.done()
    first.set_result([(1,)])
    assert outcome.result(0) == [[(1,)], [(2,)]]


def test_an_answer_that_failed_ends_the_steps() -> None:
    never: Future[Rows] = Future()
    outcome = run_chain(both(failed(StoreUnavailable("away")), never))
    with pytest.raises(StoreUnavailable, match="away"):
        outcome.result(0)


def test_an_answer_that_failed_can_be_handled_inside() -> None:
    def steps() -> Chain[str]:
        try:
            yield failed(StoreUnavailable("away"))
        except StoreUnavailable:
            yield done([])
        return "handled"

    assert run_chain(steps()).result(0) == "handled"


def test_what_goes_wrong_inside_is_told_as_the_store_s_failure_with_its_cause() -> None:
    def steps() -> Chain[None]:
        yield done([])
        raise ValueError("a row that nobody understands")

    error = run_chain(steps()).exception(0)
    assert isinstance(error, StoreUnavailable)
    assert isinstance(error.__cause__, ValueError)


def test_nobody_can_take_the_outcome_away() -> None:
    first: Future[Rows] = Future()
    outcome = run_chain(both(first, done([])))
    assert not outcome.cancel()
    first.set_result([])
    assert outcome.result(0) == [[], []]


def test_a_thousand_answers_that_are_there_already_are_no_danger_to_the_stack() -> None:
    def steps() -> Chain[int]:
        for _ in range(100):
            yield done([])
        return 100

    assert run_chain(steps()).result(0) == 100


def test_what_is_asked_together_is_answered_in_its_order() -> None:
    first: Future[Rows] = Future()
    second: Future[Rows] = Future()
    asked: list[str] = []

    def ask() -> Iterator[Future[Rows]]:
        for name, question in (("first", first), ("second", second)):
            asked.append(name)
            yield question

    outcome = run_chain(gather(ask()))
    assert asked == ["first", "second"]
    second.set_result([(2,)])
    first.set_result([(1,)])
    assert outcome.result(0) == [[(1,)], [(2,)]]


def test_steps_wait_for_what_is_no_question_to_the_store() -> None:
    known: Future[str] = Future()
    outcome = run_chain(await_future(known))
    assert not outcome.done()
    known.set_result("answer")
    assert outcome.result(0) == "answer"
    assert run_chain(await_future(known)).result(0) == "answer"
