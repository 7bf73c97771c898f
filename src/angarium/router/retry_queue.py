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
        name: str,
        description: str,
        clock: Clock,
        uniform: Uniform = random.uniform,
        max_delay_s: float = 3.0,
    ) -> None:
        self._name = name
        self._description = description
        self._clock = clock
        self._uniform = uniform
        self._max_delay_s = max_delay_s
        self._unavailable_since: float | None = None
        self._delays: Iterator[float] = iter(())
        self._try_at = 0.0
        # What waits for a store may be hundreds of pieces of work, and
        # an outage hours long.
        self._repeats = logs.Repeats(clock.monotonic)

    @property
    def unavailable(self) -> bool:
        """Whether the last that was heard of the dependency is a
        failure.
        """
        return self._unavailable_since is not None

    def retry_delays(self) -> Iterator[float]:
        """Start waits of a caller's own, drawn like the outage's.

        Returns:
            Seconds before each next try, without an end.
        """
        return delays(most=self._max_delay_s, uniform=self._uniform)

    def next_try_in(self) -> float:
        """Tell how long to leave the dependency alone.

        Returns:
            Seconds; 0 when it may be tried now.
        """
        if self._unavailable_since is None:
            return 0.0
        return max(0.0, self._try_at - self._clock.monotonic())

    def record_failure(
        self,
        error: Exception,
        context: Mapping[str, object],
        attempt: int = 1,
        delay_s: float = 0.0,
    ) -> None:
        """Note a failure; the first one of an outage is told as such,
        and each one as a retry to come.

        Args:
            error: What the port raised. Anything but Unavailable is
                told with its traceback.
            context: Ids of the work that failed.
            attempt: How often that work was tried; only a first failure
                says that the dependency is out.
            delay_s: Seconds for which that work waits by itself; the
                outage's wait may be longer.
        """
        now = self._clock.monotonic()
        if self._unavailable_since is None:
            if attempt == 1:
                self._begin_outage(now, error, context)
        elif now >= self._try_at:
            self._try_at = now + next(self._delays)
        _log.limited_warning(
            self._repeats,
            "retry",
            f"The {self._description} failed; it will be tried again.",
            **context,
            error_type=type(error).__name__,
            attempt=attempt,
            delay_ms=round(max(delay_s, self.next_try_in()) * 1000),
        )

    def record_success(self) -> None:
        """Note that the dependency answered."""
        if self._unavailable_since is not None:
            lasted = round((self._clock.monotonic() - self._unavailable_since) * 1000)
            _log.info(
                f"{self._name}_available",
                f"The {self._description} answers again.",
                duration_ms=lasted,
            )
            self._unavailable_since = None

    def reset(self) -> None:
        """Note that nothing is left by whose success the end of the
        outage would be seen.
        """
        self._unavailable_since = None

    def _begin_outage(self, now: float, error: Exception, context: Mapping[str, object]) -> None:
        self._unavailable_since = now
        self._delays = self.retry_delays()
        self._try_at = now + next(self._delays)
        action = f"{self._name}_unavailable"
        if isinstance(error, Unavailable):
            _log.warning(
                action,
                f"The {self._description} does not answer: {error}",
                **context,
                error_type=type(error).__name__,
            )
        else:
            _log.error(
                action,
                f"The {self._description} failed in a way that was not foreseen.",
                error,
                **context,
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
        self.health = health
        self._clock = clock
        self._waiting: list[tuple[float, int, Task]] = []
        self._order = count()
        self._probe: Task | None = None

    def add(self, task: Task, error: Exception) -> None:
        """Keep work for another try, and tell of it.

        Args:
            task: What was tried.
            error: What it failed with.
        """
        self._end_probe(task)
        if task.retry_delays is None:
            task.retry_delays = self.health.retry_delays()
        delay_s = next(task.retry_delays)
        heappush(self._waiting, (self._clock.monotonic() + delay_s, next(self._order), task))
        self.health.record_failure(error, task.log_context(), task.attempts, delay_s)

    def record_success(self, task: Task) -> None:
        """Note that the dependency answered.

        Args:
            task: What was tried.
        """
        self._end_probe(task)
        if self.health.unavailable:
            self.health.record_success()
            self._probe = None

    def abandon(self, task: Task) -> None:
        """Note that work failed which nobody waits for any more.

        Args:
            task: What was tried.
        """
        self._end_probe(task)

    def take_due(self) -> list[Task]:
        """Take out what is to be tried now; work whose assignment is
        over is among it.

        Returns:
            All that is due; while the dependency is out, one that is
            not over at most.
        """
        due: list[Task] = []
        out = self.health.unavailable
        if out and self.health.next_try_in() > 0:
            return due
        now = self._clock.monotonic()
        while self._waiting and self._probe is None and (out or self._waiting[0][0] <= now):
            task = heappop(self._waiting)[2]
            due.append(task)
            if out and not task.progress.over:
                self._probe = task
        return due

    def next_try_in(self) -> float | None:
        """Tell when to look for due work again.

        Returns:
            Seconds; None when nothing waits, or the try that is under
            way decides.
        """
        if not self._waiting or self._probe is not None:
            return None
        if self.health.unavailable:
            return self.health.next_try_in()
        return max(0.0, self._waiting[0][0] - self._clock.monotonic())

    def _end_probe(self, task: Task) -> None:
        if task is self._probe:
            self._probe = None
