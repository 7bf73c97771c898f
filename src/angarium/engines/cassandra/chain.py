"""Straight code for requests that follow each other, without a thread.

A chain is a generator: it yields a request, is sent its rows, and goes
on. No thread blocks in between. One thread of the driver runs all
chains, so a chain must not wait for anything itself.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from typing import TypeVar, cast

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Rows

Result = TypeVar("Result")

Chain = Generator["Future[Rows]", Rows, Result]
"""Yields the next request and is sent its rows; a failed request raises
inside the chain. Returns the result.
"""


def run_chain(steps: Chain[Result]) -> "Future[Result]":
    """Run a chain on whichever threads complete its requests.

    Args:
        steps: The chain; its errors other than StoreUnavailable become
            one.

    Returns:
        A future of the result, or of StoreUnavailable.
    """
    outcome: Future[Result] = Future()
    # From here on nobody can cancel it, so the driver's thread can
    # always complete it.
    outcome.set_running_or_notify_cancel()
    _advance(steps, outcome, None)
    return outcome


def run_here(steps: Chain[Result], wait: "Callable[[Future[Rows]], Rows]") -> Result:
    """Run a chain on the caller's thread, within its deadline.

    Args:
        steps: The chain.
        wait: Waits for a request, as `CassandraSession.wait` does.

    Returns:
        The chain's result.

    Raises:
        StoreUnavailable: A request failed.
    """
    try:
        request = next(steps)
        while True:
            request = steps.send(wait(request))
    except StopIteration as end:
        return cast("Result", end.value)


def gather(requests: "Iterable[Future[Rows]]") -> Chain[Sequence[Rows]]:
    """Wait for requests that were sent together.

    Args:
        requests: All are sent before the first answer is waited for.

    Yields:
        Each of them.

    Returns:
        Their answers, in the same order.
    """
    answers = []
    for request in list(requests):
        answers.append((yield request))  # noqa: PERF401 - a comprehension cannot yield
    return answers


def await_future(future: "Future[Result]") -> Chain[Result]:
    """Wait inside a chain for something other than a request.

    Args:
        future: Of anything; another thread completes it.

    Yields:
        A future that completes with it.

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
    """Resume a chain with an answer, up to its next request."""
    try:
        request = next(steps) if answer is None else _send_answer(steps, answer)
    except StopIteration as end:
        outcome.set_result(end.value)
    except StoreUnavailable as error:
        outcome.set_exception(error)
    except Exception as error:  # noqa: BLE001 - a future that never completes would block a conversation for ever
        failure = StoreUnavailable(
            f"the answer of Cassandra could not be processed: {type(error).__name__}"
        )
        failure.__cause__ = error
        outcome.set_exception(failure)
    else:
        request.add_done_callback(lambda done: _advance(steps, outcome, done))


def _send_answer(steps: Chain[Result], answer: "Future[Rows]") -> "Future[Rows]":
    """Return the next request, given rows or an error."""
    error = answer.exception()
    return steps.send(answer.result()) if error is None else steps.throw(error)
