"""Writing what happens one answer after the other as straight code,
while no thread waits.
"""

from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Rows

Result = TypeVar("Result")

Chain = Generator["Future[Rows]", Rows, Result]
"""Yields the next question, is sent its answer, returns the result; a
failed answer is raised inside.
"""


def run_chain(steps: Chain[Result]) -> "Future[Result]":
    """Run steps on whichever threads bring the answers.

    Args:
        steps: What to do; its errors other than StoreUnavailable become
            one.

    Returns:
        A future of the result, or of StoreUnavailable.
    """
    outcome: Future[Result] = Future()
    # From here on nobody can cancel it, so that the driver's thread can
    # always end it.
    outcome.set_running_or_notify_cancel()
    _advance(steps, outcome, None)
    return outcome


def gather(questions: "Iterable[Future[Rows]]") -> Chain[Sequence[Rows]]:
    """Wait for what was asked together.

    Args:
        questions: All are asked before the first answer is waited for.

    Yields:
        Each of them.

    Returns:
        Their answers, in the same order.
    """
    answers = []
    for question in list(questions):
        answers.append((yield question))  # noqa: PERF401 - a comprehension cannot yield
    return answers


def await_future(future: "Future[Result]") -> Chain[Result]:
    """Wait for what is no question to the store.

    Args:
        future: Of anything; it is done by some other thread.

    Yields:
        What is answered when it is done.

    Returns:
        Its result.
    """
    if not future.done():
        waiting: Future[Rows] = Future()
        future.add_done_callback(lambda _: waiting.set_result(()))
        yield waiting
    return future.result()


def _advance(
    steps: Chain[Result], outcome: "Future[Result]", answer: "Future[Rows] | None"
) -> None:
    try:
        question = next(steps) if answer is None else _hand_over(steps, answer)
    except StopIteration as end:
        outcome.set_result(end.value)
    except StoreUnavailable as error:
        outcome.set_exception(error)
    except Exception as error:  # noqa: BLE001 - a future that never completes would stop a lane for ever
        failure = StoreUnavailable(
            f"the store's answer was not understood: {type(error).__name__}"
        )
        failure.__cause__ = error
        outcome.set_exception(failure)
    else:
        question.add_done_callback(lambda done: _advance(steps, outcome, done))


def _hand_over(steps: Chain[Result], answer: "Future[Rows]") -> "Future[Rows]":
    error = answer.exception()
    return steps.send(answer.result()) if error is None else steps.throw(error)
