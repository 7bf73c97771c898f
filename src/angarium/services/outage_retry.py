"""Calls to log and store, repeated until an outage has ended."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from angarium import logs
from angarium.backoff import delays, retry
from angarium.clock import Clock
from angarium.domain.errors import Unavailable

PATIENCE_S = 60.0
"""How long one call is repeated: a broker or a node that restarts is
back by then, and longer outages are not the audit's to wait for.
"""

FIRST_WAIT_S = 0.1
MAX_WAIT_S = 5.0
"""The pauses grow from one to the other, with jitter."""

Result = TypeVar("Result")

_log = logs.get("angarium.audit")


class OutageRetry:
    """Repeats calls that change nothing; used by one thread."""

    def __init__(
        self,
        clock: Clock,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Set the bound.

        Args:
            clock: Measures how long a call is repeated.
            patience_s: Seconds for one call and all its tries.
            sleep: Waits between tries, in seconds.
            uniform: Draws the jitter between two bounds.
        """
        self._clock = clock
        self._patience_s = patience_s
        self._sleep = sleep
        self._uniform = uniform
        self._repeats = logs.Repeats()

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Make a call, and again after each failure of a dependency.

        Args:
            call: Asks the log or the store.

        Returns:
            What the call returned.

        Raises:
            Unavailable: The last failure, when the patience has ended.
        """
        expires_at = self._clock.monotonic() + self._patience_s
        return retry(
            call,
            Unavailable,
            lambda: expires_at - self._clock.monotonic(),
            self._log_retry,
            self._sleep,
            delays(FIRST_WAIT_S, MAX_WAIT_S, self._uniform),
        )

    def _log_retry(self, error: Exception, wait: float) -> None:
        """Log that a call is repeated; once per outage."""
        _log.limited_warning(
            self._repeats,
            "retry",
            "Log or store did not answer; the call is repeated.",
            error_type=type(error).__name__,
            reason=str(error),
            wait_ms=round(wait * 1000, 1),
        )
