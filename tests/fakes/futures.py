"""Futures whose outcome is known when they are made."""

from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def done(result: Result) -> Future[Result]:
    """Give a future that holds a result."""
    future: Future[Result] = Future()
    future.set_result(result)
    return future


def failed(error: Exception) -> "Future[Result]":
    """Give a future that holds an error."""
    future: Future[Result] = Future()
    future.set_exception(error)
    return future
