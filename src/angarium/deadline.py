"""How long the work at hand may still take, carried from the edge to
the engines by a context variable.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_expires_at: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound everything done inside the block; an outer, nearer bound
    stays in force.

    Args:
        seconds: From now; nothing or less makes every call inside give
            up at once.

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
    """Tell how long one call may wait.

    Args:
        at_most: The call's own bound in seconds.

    Returns:
        Seconds, never negative: the nearer of the call's own bound and
        the deadline in force.
    """
    expires_at = _expires_at.get()
    if expires_at is None:
        return at_most
    return max(0.0, min(at_most, expires_at - time.monotonic()))
