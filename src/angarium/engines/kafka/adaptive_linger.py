"""How long a record waits for others to share its batch."""

from angarium.clock import Clock

LINGER_MS = 3.0
"""How long a record usually waits: batches of one record cost several
times as much a record (docs/adr/0022).
"""

BUSY_LINGER_MS = 20.0
"""How long it waits at most while the server is busy without a pause.
The records of such a time share a batch, and no answer is later: the
server would have no time to send it.
"""

ALONE_SECONDS = 0.01
"""A record that comes this long after the previous one does not wait:
at such a rate hardly any other would share its batch.
"""


class AdaptiveLinger:
    """Chooses the linger from when records arrive.

    Used by any thread.
    """

    def __init__(self, clock: Clock) -> None:
        """Start without records, and without an idle hint.

        Args:
            clock: Times the gaps between records.
        """
        self._clock = clock
        self._arrived_at = float("-inf")
        self._alone = False
        self._has_hints = False
        self._busy_since: float | None = None

    def record_arrived(self) -> None:
        """Note that a record is being sent."""
        now = self._clock.monotonic()
        self._alone = now - self._arrived_at > ALONE_SECONDS
        self._arrived_at = now
        if self._busy_since is None:
            self._busy_since = now

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

    def milliseconds(self) -> float:
        """Return how long the records that wait now should linger.

        Returns:
            Milliseconds since the first record of a batch; 0 to send it
            at once.
        """
        if self._alone:
            return 0.0
        since = self._busy_since
        if (
            self._has_hints
            and since is not None
            and self._clock.monotonic() - since > LINGER_MS / 1000
        ):
            return BUSY_LINGER_MS
        return LINGER_MS
