"""How long nobody has been there."""

import time
from collections.abc import Callable


class Absence:
    """Tells a long absence from a short one; used by one thread."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the bound.

        Args:
            seconds: From then on an absence is long.
            clock: Tells the time, in seconds.
        """
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def is_long(self, present: bool) -> bool:
        """Note how things stand.

        Args:
            present: Whether somebody is there now.

        Returns:
            True when nobody has been there at any look since so long ago.
        """
        now = self._clock()
        if present:
            self._since = None
        elif self._since is None:
            self._since = now
        return self._since is not None and now - self._since >= self._seconds
