"""Calls to the store, repeated while there is time for it."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from angarium import deadline, logs
from angarium.backoff import delays, retry
from angarium.domain.errors import StoreUnavailable

STORE_SECONDS = 2.0
FIRST_WAIT_SECONDS = 0.05
MAX_WAIT_SECONDS = 0.5

Result = TypeVar("Result")

_log = logs.get("angarium.store_calls")


class StoreRetry:
    """Runs calls that are safe to repeat, each with all its tries
    within 2 s or a nearer deadline.
    """

    def __init__(
        self,
        at_most: float = STORE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Set the bound.

        Args:
            at_most: Seconds for one call and all its tries.
            sleep: Waits between tries.
            uniform: Draws the jitter between two bounds.
        """
        self._at_most = at_most
        self._sleep = sleep
        self._uniform = uniform
        # In an outage each request has several of them.
        self._repeats = logs.Repeats()

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Run a call, and again after each StoreUnavailable.

        Args:
            call: Asks the store; it finds the deadline in force.

        Returns:
            What the call returned.

        Raises:
            StoreUnavailable: The last failure, when no time is left for
                another try; whoever answers logs it.
        """
        with deadline.within(self._at_most):
            return retry(
                call,
                StoreUnavailable,
                lambda: deadline.remaining(self._at_most),
                self._log_retry,
                self._sleep,
                delays(FIRST_WAIT_SECONDS, MAX_WAIT_SECONDS, self._uniform),
            )

    def _log_retry(self, error: Exception, wait: float) -> None:
        """Tell of a try to come, unless one was told a moment ago."""
        _log.limited_warning(
            self._repeats,
            "retry",
            "The store did not answer; it is asked again.",
            error_type=type(error).__name__,
            reason=str(error),
            wait_ms=round(wait * 1000, 1),
        )
