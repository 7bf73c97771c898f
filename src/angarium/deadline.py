"""The deadline of the current request, in a context variable.

The edge sets it, and the engines bound their calls by it, without a
parameter in all functions between them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_expires_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Set a deadline for a block; an earlier outer one stays in force.

    Args:
        seconds: From now; with 0 or less every call inside fails at
            once.

    Yields:
        Nothing.
    """
    expires_at = time.monotonic() + seconds
    outer = _expires_at.get()
    token = _expires_at.set(expires_at if outer is None else min(outer, expires_at))
    try:
        yield
    finally:
        _expires_at.reset(token)


def remaining(at_most: float) -> float:
    """Return how long a call may wait.

    Args:
        at_most: The call's own limit in seconds.

    Returns:
        Seconds, never negative: the call's own limit or the time until
        the deadline, whichever is shorter.
    """
    expires_at = _expires_at.get()
    if expires_at is None:
        return at_most
    return max(0.0, min(at_most, expires_at - time.monotonic()))
