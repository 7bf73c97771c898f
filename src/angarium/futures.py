"""What the services and the engines do to futures alike.

A future here is a promise to another thread: the caller goes on, and is
answered once the log or a store has answered. Two threads may try to
answer: the one that did the work, and the one that watches the time.
The first one counts.
"""

from concurrent.futures import Future, InvalidStateError
from typing import TypeVar

Result = TypeVar("Result")


def done(result: Result) -> "Future[Result]":
    """Make a future that needs no waiting.

    Args:
        result: What is known already.

    Returns:
        A future that holds it.
    """
    future: Future[Result] = Future()
    future.set_result(result)
    return future


def failed(error: BaseException) -> "Future[Result]":
    """Make a future of a call that failed before anybody could wait.

    Args:
        error: What was raised.

    Returns:
        A future that raises it.
    """
    future: Future[Result] = Future()
    future.set_exception(error)
    return future


def resolve_once(future: "Future[Result]", result: Result) -> bool:
    """Answer with a result, unless there is an answer already.

    Args:
        future: Another thread may complete it at the same time.
        result: The answer.

    Returns:
        True when this became the answer.
    """
    try:
        future.set_result(result)
    except InvalidStateError:
        return False
    return True


def fail_once(future: "Future[Result]", error: BaseException) -> bool:
    """Answer with an error, unless there is an answer already.

    Args:
        future: Another thread may complete it at the same time.
        error: The answer.

    Returns:
        True when this became the answer.
    """
    try:
        future.set_exception(error)
    except InvalidStateError:
        return False
    return True


def forward(source: "Future[Result]", target: "Future[Result]") -> None:
    """Complete a future as another one was completed.

    Args:
        source: Is done.
        target: Gets its result or its error.
    """
    error = source.exception()
    if error is None:
        target.set_result(source.result())
    else:
        target.set_exception(error)
