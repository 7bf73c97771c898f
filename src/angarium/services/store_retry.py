"""Calls to the store, repeated until a deadline (docs/adr/0007)."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from angarium import deadline
from angarium.backoff import delays, retry
from angarium.domain.errors import StoreUnavailable
from angarium.services.outage_retry import RetryWarnings

STORE_S = 2.0
"""Time limit for one call with all its tries."""

FIRST_WAIT_S = 0.05
MAX_WAIT_S = 0.5
"""The pauses grow from one to the other, with jitter; several tries fit
into STORE_S.
"""

Result = TypeVar("Result")


class StoreRetry:
    """Repeats calls to the store that are safe to repeat.

    A call and all its tries end within 2 s or a nearer deadline.
    """

    def __init__(
        self,
        at_most_s: float = STORE_S,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Set the bound.

        Args:
            at_most_s: Seconds for one call and all its tries.
            sleep: Waits between tries, in seconds.
            uniform: Draws the jitter between two bounds.
        """
        self._at_most_s = at_most_s
        self._sleep = sleep
        self._uniform = uniform
        self._on_retry = RetryWarnings("The store did not answer; the call is repeated.")

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Run a call, and again after each StoreUnavailable.

        Args:
            call: Asks the store, within `deadline.remaining`.

        Returns:
            What the call returned.

        Raises:
            StoreUnavailable: The last failure, when no time is left for
                another try; the caller logs it.
        """
        with deadline.within(self._at_most_s):
            return retry(
                call,
                StoreUnavailable,
                lambda: deadline.remaining(self._at_most_s),
                self._on_retry,
                self._sleep,
                delays(FIRST_WAIT_S, MAX_WAIT_S, self._uniform),
            )
