"""Exponential backoff with jitter, so that retries do not coincide."""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")

LAST_TRY_S = 0.05
"""How long before the time limit the last try starts. One that starts
later has no time to succeed.
"""


def delays(
    first: float = 0.05,
    most: float = 5.0,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Iterator[float]:
    """Return the waits between tries, without an end.

    The upper bound doubles each time; a wait is at least half of it.

    Args:
        first: The first wait's upper bound in seconds.
        most: The longest wait in seconds.
        uniform: Returns a random number between two bounds.

    Yields:
        Seconds to wait before the next try.
    """
    bound = min(first, most)
    while True:
        yield uniform(bound / 2, bound)
        bound = min(most, bound * 2)


def delays_until(
    remaining: Callable[[], float],
    first: float,
    most: float,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Iterator[float]:
    """Return waits like `delays`, with a last try before the end.

    Args:
        remaining: Returns the seconds that are left.
        first: The first wait's upper bound in seconds.
        most: The longest wait in seconds.
        uniform: Returns a random number between two bounds.

    Yields:
        Seconds to wait before the next try.
    """
    for wait in delays(first, most, uniform):
        left = remaining() - LAST_TRY_S
        yield min(wait, left) if left > LAST_TRY_S else wait


def retry(
    call: Callable[[], Result],
    on: type[Exception] | tuple[type[Exception], ...],
    remaining: Callable[[], float],
    failed: Callable[[Exception, float], None],
    sleep: Callable[[float], None] = time.sleep,
    waits: Iterator[float] | None = None,
) -> Result:
    """Repeat a call until it succeeds or its time is up.

    Args:
        call: Must be safe to repeat.
        on: The errors that are retried.
        remaining: Returns the seconds that are left.
        failed: Called before each retry, with the error and the seconds
            until then.
        sleep: Replaces `time.sleep` in tests.
        waits: The seconds between tries; `delays()` if None.

    Returns:
        The result of the call.

    Raises:
        Exception: The last error, if no time is left for another try.
    """
    for wait in waits if waits is not None else delays():
        try:
            return call()
        except on as error:
            if wait >= remaining():
                raise
            failed(error, wait)
        sleep(wait)
    raise AssertionError("the waits must not end")
