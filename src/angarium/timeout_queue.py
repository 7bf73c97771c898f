"""Finds what has waited too long, without a timer for each."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")


class TimeoutQueue(Generic[Waiter]):
    """Waiters with the same time limit, by the order of deadlines.

    As all have the same limit, that is the order in which they came.
    Adding, removing and finding the next one take constant time.

    Attributes:
        seconds: The time limit.
    """

    __slots__ = ("_due", "seconds")

    def __init__(self, seconds: float) -> None:
        """Start empty, with a time limit for all waiters."""
        self.seconds = seconds
        self._due: dict[Waiter, float] = {}

    def __len__(self) -> int:
        """Return how many wait; an empty queue is false."""
        return len(self._due)

    def add(self, waiter: Waiter, now: float) -> None:
        """Start the time of a waiter, or start it again.

        Args:
            waiter: May be in the queue already.
            now: Seconds of the monotonic clock.
        """
        self._due.pop(waiter, None)
        self._due[waiter] = now + self.seconds

    def remove(self, waiter: Waiter) -> bool:
        """Remove a waiter.

        Args:
            waiter: May be unknown.

        Returns:
            Whether it was waiting.
        """
        return self._due.pop(waiter, None) is not None

    def __iter__(self) -> Iterator[Waiter]:
        """Iterate over the waiters, the longest waiting first."""
        return iter(self._due)

    def longest(self) -> tuple[Waiter, float] | None:
        """Find the waiter that has waited longest.

        Returns:
            The waiter and since when, in seconds of the monotonic
            clock; None if the queue is empty.
        """
        for waiter, due in self._due.items():
            return waiter, due - self.seconds
        return None

    def is_due(self, now: float) -> bool:
        """Tell whether the time of any waiter is up.

        Args:
            now: Seconds of the monotonic clock.

        Returns:
            True if `pop_expired` would yield a waiter.
        """
        return any(due <= now for due in islice(self._due.values(), 1))

    def pop_expired(
        self, now: float, is_over: Callable[[], bool] = lambda: False
    ) -> Iterator[Waiter]:
        """Remove all waiters whose time is up, each as it is yielded.

        Args:
            now: Seconds of the monotonic clock.
            is_over: Asked after each; true leaves the others waiting.

        Yields:
            Each of them, already removed.
        """
        while self.is_due(now):
            waiter = next(iter(self._due))
            del self._due[waiter]
            yield waiter
            if is_over():
                return
