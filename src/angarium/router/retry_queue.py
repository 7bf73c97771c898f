"""Work that failed, waiting for its next try."""

import random
from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush
from itertools import count

from angarium import logs
from angarium.backoff import delays
from angarium.clock import Clock
from angarium.domain.errors import Unavailable
from angarium.router.tasks import Task

_log = logs.get("angarium.router")

Uniform = Callable[[float, float], float]


class DependencyHealth:
    """Says whether a dependency is out and when it may be tried again;
    used by the worker's thread alone.
    """

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
        # What waits for a store may be hundreds of pieces of work, and
        # an outage hours long.
        self._repeats = logs.Repeats(clock.monotonic)

    @property
    def unavailable(self) -> bool:
        """Whether the last that was heard of the dependency is a
        failure.
        """
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
        """Note a failure; the first one of an outage is told as such,
        and each one as a retry to come.

        Args:
            error: What the port raised. Anything but Unavailable is
                told with its traceback.
            about: Ids of the work that failed.
            attempt: How often that work was tried; only a first failure
                says that the dependency is out.
            wait: Seconds for which that work waits by itself; the
                outage's wait may be longer.
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
            _log.info(
                f"{self._part}_available", f"The {self._what} answers again.", duration_ms=lasted
            )
            self._since = None

    def reset(self) -> None:
        """Note that nothing is left by whose success the end of the
        outage would be seen.
        """
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
            _log.error(
                action, f"The {self._what} failed in a way that was not foreseen.", error, **about
            )


class RetryQueue:
    """Keeps failed work until it is due; used by the worker's thread
    alone.

    While the dependency is out, one piece of failed work at a time is
    tried, after the outage's own waits, so that a store that comes back
    is not met by everything at once. As soon as anything succeeds, all
    the rest is due after its own waits; work that fails then, as it did
    before, starts no new outage, so that what fails for ever holds up
    nothing else.
    """

    def __init__(self, health: DependencyHealth, clock: Clock) -> None:
        self.outage = health
        self._clock = clock
        self._waiting: list[tuple[float, int, Task]] = []
        self._order = count()
        self._probe: Task | None = None

    def add(self, work: Task, error: Exception) -> None:
        """Keep work for another try, and tell of it.

        Args:
            work: What was tried.
            error: What it failed with.
        """
        self._settled(work)
        if work.retry_delays is None:
            work.retry_delays = self.outage.retry_delays()
        wait = next(work.retry_delays)
        heappush(self._waiting, (self._clock.monotonic() + wait, next(self._order), work))
        self.outage.record_failure(error, work.log_context(), work.attempts, wait)

    def record_success(self, work: Task) -> None:
        """Note that the dependency answered.

        Args:
            work: What was tried.
        """
        self._settled(work)
        if self.outage.unavailable:
            self.outage.record_success()
            self._probe = None

    def abandon(self, work: Task) -> None:
        """Note that work failed which nobody waits for any more.

        Args:
            work: What was tried.
        """
        self._settled(work)

    def take_due(self) -> list[Task]:
        """Take out what is to be tried now; work whose assignment is
        over is among it.

        Returns:
            All that is due; while the dependency is out, one that is
            not over at most.
        """
        due: list[Task] = []
        out = self.outage.unavailable
        if out and self.outage.next_try_in() > 0:
            return due
        now = self._clock.monotonic()
        while self._waiting and self._probe is None and (out or self._waiting[0][0] <= now):
            work = heappop(self._waiting)[2]
            due.append(work)
            if out and not work.progress.over:
                self._probe = work
        return due

    def next_try_in(self) -> float | None:
        """Tell when to look for due work again.

        Returns:
            Seconds; None when nothing waits, or the try that is under
            way decides.
        """
        if not self._waiting or self._probe is not None:
            return None
        if self.outage.unavailable:
            return self.outage.next_try_in()
        return max(0.0, self._waiting[0][0] - self._clock.monotonic())

    def _settled(self, work: Task) -> None:
        if work is self._probe:
            self._probe = None
