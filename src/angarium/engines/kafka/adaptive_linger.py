"""How long a record waits for others to share its request."""

from angarium.clock import Clock

LINGER_MS = 3.0
"""How long the first record waits while others may come, and the time
from one request to the next at least: a request for each record costs
several times as much a record (docs/adr/0022).
"""

GATHER_MS = 1.0
"""How long it waits at least once the server has nothing more to do.
Clients that were answered together send their next messages together,
but not at the same moment.
"""

BUSY_LINGER_MS = 20.0
"""From one request to the next while the server is busy without a
pause. The records of such a time share a request, and no answer is
later: the server would have no time to send it.
"""

ALONE_S = 0.01
"""A record that comes this long after the last request does not wait:
at such a rate hardly any other would share its request.
"""


class AdaptiveLinger:
    """Chooses when records leave, by when they and others came.

    Used by any thread.
    """

    def __init__(self, clock: Clock) -> None:
        """Start without records, and without an idle hint.

        Args:
            clock: Times records and requests.
        """
        self._clock = clock
        self._left_at = float("-inf")
        self._first_at: float | None = None
        self._has_hints = False
        self._busy_since: float | None = None

    def record_arrived(self) -> None:
        """Note that a record is being sent."""
        now = self._clock.monotonic()
        if self._first_at is None:
            self._first_at = now
        if self._busy_since is None:
            self._busy_since = now

    def records_left(self) -> None:
        """Note that the records that waited are on their way."""
        # A record that comes at this very moment may be taken for one
        # of them. Then LINGER_MS alone decides.
        self._left_at = self._clock.monotonic()
        self._first_at = None

    def idle_hint(self) -> bool:
        """Note that the server has nothing more to send for the moment.

        The long linger is used only after a first hint: without hints
        nothing would end it.

        Returns:
            True when records arrived since the last hint.
        """
        self._has_hints = True
        had_records = self._busy_since is not None
        self._busy_since = None
        return had_records

    def due_at(self) -> float:
        """Return when the records that wait now should leave.

        Returns:
            Seconds of the monotonic clock, which may be over.
        """
        if self._is_busy():
            return self._left_at + BUSY_LINGER_MS / 1000
        next_at = self._left_at + LINGER_MS / 1000
        first_at = self._first_at
        if first_at is None or first_at - self._left_at > ALONE_S:
            return next_at
        if self._busy_since is not None:
            # What the server still reads may join them.
            return first_at + LINGER_MS / 1000
        return max(next_at, first_at + GATHER_MS / 1000)

    def _is_busy(self) -> bool:
        """Return whether the server has no time to send answers."""
        since = self._busy_since
        return (
            self._has_hints
            and since is not None
            and self._clock.monotonic() - since > LINGER_MS / 1000
        )
