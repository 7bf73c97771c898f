"""What becomes of the driver's answers, and that nothing keeps them."""

import gc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from cassandra.connection import Timer

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.session import AnswerHandler


class Question:
    """The driver's future of an answer, with the timer that it
    starts.
    """

    def __init__(self) -> None:
        self._timer = Timer(2.0, self.rang)
        self.callbacks: list[Callable[..., None]] = []

    @property
    def timer(self) -> Timer:
        return self._timer

    def rang(self) -> None:
        raise AssertionError("it was stopped")


@pytest.fixture
def question() -> Question:
    return Question()


@pytest.fixture
def outcome() -> "Future[Rows]":
    return Future()


@contextmanager
def without_garbage_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_when_two_nodes_answer_the_first_one_stands(
    question: Question, outcome: "Future[Rows]"
) -> None:
    handler = AnswerHandler(question, outcome)
    handler.resolve([(1,)])
    handler.resolve([(2,)])
    handler.fail(OSError("late"))
    assert outcome.result(0) == ((1,),)


def test_when_one_node_refused_the_other_s_answer_changes_nothing(
    question: Question, outcome: "Future[Rows]"
) -> None:
    handler = AnswerHandler(question, outcome)
    handler.fail(OSError("gone"))
    handler.resolve([(1,)])
    assert isinstance(outcome.exception(0), StoreUnavailable)


def test_what_has_no_rows_is_answered_with_none(
    question: Question, outcome: "Future[Rows]"
) -> None:
    AnswerHandler(question, outcome).resolve(None)
    assert list(outcome.result(0)) == []


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_timer_that_was_stopped_keeps_no_question(
    outcome: "Future[Rows]", is_answered: bool
) -> None:
    with without_garbage_collector():
        question = Question()
        gone, timer = weakref.ref(question), question.timer
        handler = AnswerHandler(question, outcome)
        question.callbacks += [handler.resolve, handler.fail]
        if is_answered:
            handler.resolve([(1,)])
        else:
            handler.fail(OSError("gone"))
        del question
        assert gone() is None
        timer.callback()


def test_what_the_driver_keeps_until_another_node_answers_is_empty(question: Question) -> None:
    class Kept(Future[Rows]):
        """A future that can be seen to go."""

    with without_garbage_collector():
        outcome = Kept()
        gone = weakref.ref(outcome)
        handler, rows = AnswerHandler(question, outcome), list[Row]([("a text",)])
        handler.resolve(rows)
        assert outcome.result(0) == (("a text",),)
        del outcome
        assert rows == []
        assert gone() is None
