"""Repeating a call while the store or the log does not answer."""

from collections.abc import Callable
from typing import TypeVar

from angarium import backoff
from angarium.clock import Clock
from angarium.domain.errors import Unavailable

SECONDS = 30.0
"""Longer than a node or a broker needs to start again."""

Result = TypeVar("Result")


class Patience:
    """Repeats calls that are safe to repeat, each for 30 s."""

    def __init__(
        self, clock: Clock, waiting: Callable[[str], None], sleep: Callable[[float], None]
    ) -> None:
        """Say how to wait.

        Args:
            clock: Measures.
            waiting: Called with why, before each wait.
            sleep: Waits, in seconds.
        """
        self._clock = clock
        self._waiting = waiting
        self._sleep = sleep

    def run(self, call: Callable[[], Result]) -> Result:
        """Repeat a call until it succeeds.

        Args:
            call: Safe to repeat.

        Returns:
            Its result.

        Raises:
            Unavailable: The last error, after 30 s.
        """
        expires_at = self._clock.monotonic() + SECONDS
        return backoff.retry(
            call,
            Unavailable,
            lambda: expires_at - self._clock.monotonic(),
            lambda error, _: self._waiting(str(error)),
            self._sleep,
        )
