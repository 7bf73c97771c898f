"""Calls to log and store, repeated until an outage has ended."""

import random
import time
from collections.abc import Callable
from typing import TypeVar

from angarium import logs
from angarium.backoff import delays, retry
from angarium.clock import Clock
from angarium.domain.errors import Unavailable, WrongTopic

MAX_S = 60.0
"""How long one call is repeated: a broker or a node that restarts is
back by then, and a command does not wait for longer outages.
"""

LOCAL_MAX_S = 5.0
"""The same on one machine: another process may hold the file for a
moment, but a full disk has to be told at once.
"""

FIRST_WAIT_S = 0.1
MAX_WAIT_S = 5.0
"""The pauses grow from one to the other, with jitter."""

Result = TypeVar("Result")

_log = logs.get("angarium.services")


class OutageRetry:
    """Repeats calls that are safe to repeat; used by one thread."""

    def __init__(
        self,
        clock: Clock,
        on_retry: Callable[[Exception, float], None],
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
        max_s: float = MAX_S,
    ) -> None:
        """Choose who hears of a retry.

        Args:
            clock: Measures how long a call is repeated.
            on_retry: Called before each retry, with the error and the
                seconds until then.
            sleep: Waits between tries, in seconds.
            uniform: Draws the jitter between two bounds.
            max_s: Seconds for which one call is repeated.
        """
        self._clock = clock
        self._on_retry = on_retry
        self._sleep = sleep
        self._uniform = uniform
        self._max_s = max_s

    def __call__(self, call: Callable[[], Result]) -> Result:
        """Run a call, and again after each failure of a dependency.

        Args:
            call: Asks the log or the store; safe to repeat.

        Returns:
            What the call returned.

        Raises:
            Unavailable: The last failure, once `max_s` are over, or one
                that no time mends.
        """
        expires_at = self._clock.monotonic() + self._max_s
        return retry(
            call,
            Unavailable,
            lambda: expires_at - self._clock.monotonic(),
            self._before_retry,
            self._sleep,
            delays(FIRST_WAIT_S, MAX_WAIT_S, self._uniform),
        )

    def _before_retry(self, error: Exception, wait_s: float) -> None:
        """Tell of a retry, or raise what no retry can mend."""
        if isinstance(error, WrongTopic):
            raise error
        self._on_retry(error, wait_s)


class RetryWarnings:
    """Logs that calls are repeated: one warning per outage."""

    def __init__(self, message: str) -> None:
        """Choose what the line says.

        Args:
            message: What did not answer, for a person.
        """
        self._message = message
        # In an outage each caller has several retries.
        self._repeats = logs.Repeats()

    def __call__(self, error: Exception, wait: float) -> None:
        """Log a retry.

        Args:
            error: Why the call is repeated.
            wait: Seconds until then.
        """
        _log.limited_warning(
            self._repeats,
            "retry",
            self._message,
            error_type=type(error).__name__,
            reason=str(error),
            wait_ms=round(wait * 1000, 1),
        )
