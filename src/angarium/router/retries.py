"""Work that failed, waiting for its next try."""

from heapq import heappop, heappush
from itertools import count

from angarium.clock import Clock
from angarium.router.outage import DependencyHealth
from angarium.router.work import Task


class RetryQueue:
    """Keeps failed work until it is due; used by the worker's thread alone.

    While the dependency is out, one piece of failed work at a time is tried, after the outage's own waits,
    so that a store that comes back is not met by everything at once. As soon as anything succeeds, all
    the rest is due after its own waits; work that fails then, as it did before, starts no new outage, so
    that what fails for ever holds up nothing else.
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
        """Take out what is to be tried now; work whose assignment is over is among it.

        Returns:
            All that is due; while the dependency is out, one that is not over at most.
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
            Seconds; None when nothing waits, or the try that is under way decides.
        """
        if not self._waiting or self._probe is not None:
            return None
        if self.outage.unavailable:
            return self.outage.next_try_in()
        return max(0.0, self._waiting[0][0] - self._clock.monotonic())

    def _settled(self, work: Task) -> None:
        if work is self._probe:
            self._probe = None
