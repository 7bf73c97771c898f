"""Conditional writes that meet others at the same row."""

from collections.abc import Callable
from typing import TypeVar

from angarium import backoff, deadline, logs
from angarium.engines.cassandra.errors import Contended
from angarium.engines.cassandra.session import CALL_SECONDS

Result = TypeVar("Result")

_log = logs.get("angarium.cassandra")


def retry_on_contention(call: Callable[[], Result]) -> Result:
    """Repeat a call until nobody is in its way, within the deadline in
    force and 2 s at most.

    Args:
        call: Finds out by itself whether an earlier try of it was done.

    Returns:
        What it returned.

    Raises:
        StoreUnavailable: No answer in time.
    """
    with deadline.within(CALL_SECONDS):
        return backoff.retry(
            call,
            Contended,
            remaining=lambda: deadline.remaining(CALL_SECONDS),
            failed=lambda error, wait: _log.debug(
                "retry", f"others write the same row; next try in {wait:.3f} s", detail=str(error)
            ),
        )
