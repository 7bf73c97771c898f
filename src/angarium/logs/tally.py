"""What happens again and again, told in one line instead of many."""

EVERY_SECONDS = 10.0
"""How long what repeats is added up: a flood of anything writes six lines a minute."""


class Tally:
    """Counts until it is time to tell: the first at once, the next ones together; used by one thread."""

    __slots__ = ("_count", "_every", "_tell_after")

    def __init__(self, every: float = EVERY_SECONDS) -> None:
        """Begin with nothing to tell.

        Args:
            every: Seconds between two lines.
        """
        self._count = 0
        self._every = every
        self._tell_after = float("-inf")

    def add(self, times: int = 1) -> None:
        """Count what happened.

        Args:
            times: How often.
        """
        self._count += times

    def due(self, now: float) -> int:
        """Take what is to be told now.

        Args:
            now: The monotonic clock's seconds; infinity where there will be no later moment.

        Returns:
            How often it happened since the last line; 0 while nothing did, or the last line is too new.
        """
        if not self._count or now < self._tell_after:
            return 0
        count, self._count = self._count, 0
        self._tell_after = now + self._every
        return count
