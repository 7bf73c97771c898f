"""Retries of conditional writes that met others at the same row."""

from collections.abc import Callable
from typing import TypeVar

from angarium import backoff, deadline, logs
from angarium.engines.cassandra.errors import Contended
from angarium.engines.cassandra.session import CALL_S

Result = TypeVar("Result")

_log = logs.get("angarium.engines.cassandra")


def retry_on_contention(call: Callable[[], Result]) -> Result:
    """Repeat a call until it meets no other write of the same row.

    Args:
        call: Finds out by itself whether an earlier try of it
            succeeded.

    Returns:
        What it returned.

    Raises:
        StoreUnavailable: It did not succeed within the deadline in
            force and 2 s at most.
    """
    with deadline.within(CALL_S):
        return backoff.retry(
            call,
            Contended,
            remaining=lambda: deadline.remaining(CALL_S),
            failed=lambda error, wait: _log.debug(
                "retry",
                f"others write the same row; next attempt in {wait:.3f} s",
                detail=str(error),
            ),
        )
