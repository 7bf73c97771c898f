"""Who has waited too long, without a timer for each."""

from collections.abc import Iterator
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")


class TimeoutQueue(Generic[Waiter]):
    """Waiters that are all given the same time, and so stay in the
    order in which they came; iterated in it.

    Joining, leaving and finding the next one due cost the same however
    many there are.
    """

    __slots__ = ("_due", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._due: dict[Waiter, float] = {}

    def __len__(self) -> int:
        return len(self._due)

    def add(self, waiter: Waiter, now: float) -> None:
        """Let someone wait from now on; whoever waits already starts
        again.

        Args:
            waiter: Who waits.
            now: The monotonic clock's seconds.
        """
        self._due.pop(waiter, None)
        self._due[waiter] = now + self.seconds

    def remove(self, waiter: Waiter) -> None:
        """Let someone wait no longer.

        Args:
            waiter: Who may wait, or not.
        """
        self._due.pop(waiter, None)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(self._due)

    def longest(self) -> tuple[Waiter, float] | None:
        """Find who waits longest.

        Returns:
            The waiter and since when, by the monotonic clock; None
            while nobody waits.
        """
        for waiter, due in self._due.items():
            return waiter, due - self.seconds
        return None

    def pop_expired(self, now: float) -> Iterator[Waiter]:
        """Take out everyone whose time is up.

        Args:
            now: The monotonic clock's seconds.

        Yields:
            Each of them, no longer waiting.
        """
        while self._due:
            waiter = next(iter(self._due))
            if self._due[waiter] > now:
                return
            del self._due[waiter]
            yield waiter
