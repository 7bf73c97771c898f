"""Waiting longer after each failure, with jitter, so that a crowd does
not come back at once.
"""

import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

Result = TypeVar("Result")

LAST_TRY_SECONDS = 0.05
"""So long before the time is up the last try begins: one that begins
later is none.
"""


def delays(
    first: float = 0.05,
    most: float = 5.0,
    uniform: Callable[[float, float], float] = random.uniform,
) -> Iterator[float]:
    """Give the waits between tries, without an end: each bound twice
    the last, each wait half of it or more.

    Args:
        first: The first wait's upper bound in seconds.
        most: No wait is longer, in seconds.
        uniform: Draws between two bounds.

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
    """Give waits like `delays`, the last of which ends when the time is
    up: one try more is worth it then.

    Args:
        remaining: Seconds left for all of it.
        first: The first wait's upper bound in seconds.
        most: No wait is longer, in seconds.
        uniform: Draws between two bounds.

    Yields:
        Seconds to wait before the next try.
    """
    for wait in delays(first, most, uniform):
        left = remaining() - LAST_TRY_SECONDS
        yield min(wait, left) if left > LAST_TRY_SECONDS else wait


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
        call: What to do; it must be safe to repeat.
        on: The errors after which another try makes sense.
        remaining: Seconds left for all of it.
        failed: Told of each failure that is retried, and of the wait
            before the next try.
        sleep: Waits.
        waits: The waits between tries; `delays()` when None.

    Returns:
        What the call returned.

    Raises:
        Exception: The last failure, when no time is left for another
            try.
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
