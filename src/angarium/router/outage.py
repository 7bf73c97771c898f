"""One dependency that does not answer: told once, tried again with growing waits, told when it is back."""

import random
from collections.abc import Callable, Iterator, Mapping

from angarium import logs
from angarium.backoff import delays
from angarium.clock import Clock
from angarium.domain.errors import Unavailable

_log = logs.get("angarium.router")

Uniform = Callable[[float, float], float]


class DependencyHealth:
    """Says whether a dependency is out and when it may be tried again; used by the worker's thread alone."""

    def __init__(
        self,
        part: str,
        what: str,
        clock: Clock,
        uniform: Uniform = random.uniform,
        longest_wait: float = 3.0,
    ) -> None:
        self._part = part
        self._what = what
        self._clock = clock
        self._uniform = uniform
        self._longest_wait = longest_wait
        self._since: float | None = None
        self._waits: Iterator[float] = iter(())
        self._try_at = 0.0
        # What waits for a store may be hundreds of pieces of work, and an outage hours long.
        self._repeats = logs.Repeats(clock.monotonic)

    @property
    def unavailable(self) -> bool:
        """Whether the last that was heard of the dependency is a failure."""
        return self._since is not None

    def retry_delays(self) -> Iterator[float]:
        """Start waits of a caller's own, drawn like the outage's.

        Returns:
            Seconds before each next try, without an end.
        """
        return delays(most=self._longest_wait, uniform=self._uniform)

    def next_try_in(self) -> float:
        """Tell how long to leave the dependency alone.

        Returns:
            Seconds; 0 when it may be tried now.
        """
        if self._since is None:
            return 0.0
        return max(0.0, self._try_at - self._clock.monotonic())

    def record_failure(
        self, error: Exception, about: Mapping[str, object], attempt: int = 1, wait: float = 0.0
    ) -> None:
        """Note a failure; the first one of an outage is told as such, and each one as a retry to come.

        Args:
            error: What the port raised. Anything but Unavailable is told with its traceback.
            about: Ids of the work that failed.
            attempt: How often that work was tried; only a first failure says that the dependency is out.
            wait: Seconds for which that work waits by itself; the outage's wait may be longer.
        """
        now = self._clock.monotonic()
        if self._since is None:
            if attempt == 1:
                self._begin(now, error, about)
        elif now >= self._try_at:
            self._try_at = now + next(self._waits)
        _log.limited_warning(
            self._repeats,
            "retry",
            f"The {self._what} failed; it will be tried again.",
            **about,
            error_type=type(error).__name__,
            attempt=attempt,
            delay_ms=round(max(wait, self.next_try_in()) * 1000),
        )

    def record_success(self) -> None:
        """Note that the dependency answered."""
        if self._since is not None:
            lasted = round((self._clock.monotonic() - self._since) * 1000)
            _log.info(f"{self._part}_available", f"The {self._what} answers again.", duration_ms=lasted)
            self._since = None

    def reset(self) -> None:
        """Note that nothing is left by whose success the end of the outage would be seen."""
        self._since = None

    def _begin(self, now: float, error: Exception, about: Mapping[str, object]) -> None:
        self._since = now
        self._waits = self.retry_delays()
        self._try_at = now + next(self._waits)
        action = f"{self._part}_unavailable"
        if isinstance(error, Unavailable):
            _log.warning(
                action,
                f"The {self._what} does not answer: {error}",
                **about,
                error_type=type(error).__name__,
            )
        else:
            _log.error(action, f"The {self._what} failed in a way that was not foreseen.", error, **about)
