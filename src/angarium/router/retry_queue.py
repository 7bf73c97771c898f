"""Failed tasks that wait for their next attempt."""

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
    """Whether a dependency is unavailable, and when to try it again.

    Used only by the worker's thread.
    """

    def __init__(
        self,
        name: str,
        description: str,
        clock: Clock,
        uniform: Uniform = random.uniform,
        max_delay_s: float = 3.0,
    ) -> None:
        """Start with the dependency available.

        Args:
            name: Begins the log actions, as `store` in
                `store_unavailable`.
            description: Names the dependency in log texts.
            clock: Times outages.
            uniform: Draws the jitter of delays between two limits.
            max_delay_s: Maximum delay before another attempt.
        """
        self._dependency = name
        self._description = description
        self._clock = clock
        self._uniform = uniform
        self._max_delay_s = max_delay_s
        self._unavailable_since: float | None = None
        self._delays: Iterator[float] = iter(())
        self._try_at = 0.0
        # Hundreds of tasks may wait for a store, for hours.
        self._repeats = logs.Repeats(clock.monotonic)

    @property
    def unavailable(self) -> bool:
        """Whether the last call to the dependency failed."""
        return self._unavailable_since is not None

    def retry_delays(self) -> Iterator[float]:
        """Return delays for one caller, drawn like the outage's.

        Returns:
            Seconds before each next attempt, without an end.
        """
        return delays(most=self._max_delay_s, uniform=self._uniform)

    def next_try_in(self) -> float:
        """Return how long not to call the dependency.

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
        """Note a failure and log the coming retry.

        The first failure of an outage is also logged as its beginning.

        Args:
            error: What the port raised. Anything but Unavailable is
                logged with its traceback.
            context: Log fields that name the failed task.
            attempt: How often that task was tried; only a first attempt
                that fails starts an outage.
            delay_s: How long that task itself waits; the outage's delay
                may be longer.
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
        """Note a success; log the end of an outage, if any."""
        if self._unavailable_since is not None:
            lasted = round((self._clock.monotonic() - self._unavailable_since) * 1000)
            _log.info(
                f"{self._dependency}_available",
                f"The {self._description} answers again.",
                duration_ms=lasted,
            )
            self._unavailable_since = None

    def reset(self) -> None:
        """End the outage without a log: no task is left to end it."""
        self._unavailable_since = None

    def _begin_outage(self, now: float, error: Exception, context: Mapping[str, object]) -> None:
        """Start the delays of an outage and log its beginning."""
        self._unavailable_since = now
        self._delays = self.retry_delays()
        self._try_at = now + next(self._delays)
        action = f"{self._dependency}_unavailable"
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
                f"The {self._description} failed unexpectedly.",
                error,
                **context,
            )


class RetryQueue:
    """Keeps failed tasks until their next attempt is due.

    While the dependency is unavailable, one failed task at a time is
    tried, after the outage's own delays, so that a store that returns
    is not met by all tasks at once. As soon as one succeeds, each other
    task is due after its own delay. A retried task that fails then
    starts no new outage, so that a task that always fails holds up no
    other. Used only by the worker's thread.

    Attributes:
        health: The health of the dependency that the tasks call.
    """

    def __init__(self, health: DependencyHealth, clock: Clock) -> None:
        """Start with an empty queue.

        Args:
            health: The health of the dependency that the tasks call.
            clock: Decides what is due.
        """
        self.health = health
        self._clock = clock
        self._waiting: list[tuple[float, int, Task]] = []
        self._order = count()
        self._probe: Task | None = None

    def add(self, task: Task, error: Exception) -> None:
        """Queue a task for another attempt and log the failure.

        Args:
            task: The task that failed.
            error: Why it failed.
        """
        self._end_probe(task)
        if task.retry_delays is None:
            task.retry_delays = self.health.retry_delays()
        delay_s = next(task.retry_delays)
        heappush(self._waiting, (self._clock.monotonic() + delay_s, next(self._order), task))
        self.health.record_failure(error, task.log_context(), task.attempts, delay_s)

    def record_success(self, task: Task) -> None:
        """Note that a task succeeded, which ends an outage.

        Args:
            task: The task that succeeded.
        """
        self._end_probe(task)
        if self.health.unavailable:
            self.health.record_success()
            self._probe = None

    def abandon(self, task: Task) -> None:
        """Forget a task that failed after its assignment was revoked.

        Args:
            task: The task that failed.
        """
        self._end_probe(task)

    def take_due(self) -> list[Task]:
        """Remove and return the tasks that are due now.

        Tasks whose assignment was revoked are among them.

        Returns:
            All that are due; during an outage at most one whose
            assignment is still held.
        """
        due: list[Task] = []
        out = self.health.unavailable
        if out and self.health.next_try_in() > 0:
            return due
        now = self._clock.monotonic()
        while self._waiting and self._probe is None and (out or self._waiting[0][0] <= now):
            task = heappop(self._waiting)[2]
            due.append(task)
            if out and not task.tracker.revoked:
                self._probe = task
        return due

    def next_try_in(self) -> float | None:
        """Return when `take_due` may have tasks again.

        Returns:
            Seconds; None when no task waits, or when the attempt in
            flight decides.
        """
        if not self._waiting or self._probe is not None:
            return None
        if self.health.unavailable:
            return self.health.next_try_in()
        return max(0.0, self._waiting[0][0] - self._clock.monotonic())

    def _end_probe(self, task: Task) -> None:
        """Allow the next probe, if this task was the outage's probe."""
        if task is self._probe:
            self._probe = None
