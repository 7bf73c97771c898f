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
    """Watches when records come; told by any thread."""

    def __init__(self, clock: Clock) -> None:
        """Begin with a caller of whom nothing is known.

        Args:
            clock: Measures.
        """
        self._clock = clock
        self._came_at = float("-inf")
        self._alone = False
        self._tells = False
        self._busy_since: float | None = None

    def record_arrived(self) -> None:
        """Note that a record comes."""
        now = self._clock.monotonic()
        self._alone = now - self._came_at > ALONE_SECONDS
        self._came_at = now
        if self._busy_since is None:
            self._busy_since = now

    def rested(self) -> bool:
        """Note that the caller has nothing more to send for the moment.

        Only a caller who has said so before is waited for while it goes
        on.

        Returns:
            True when records came since it last said so.
        """
        self._tells = True
        had_some = self._busy_since is not None
        self._busy_since = None
        return had_some

    def milliseconds(self) -> float:
        """Tell how long the records that wait now should do so.

        Returns:
            Milliseconds from when the first of a batch came; 0 for at
            once.
        """
        if self._alone:
            return 0.0
        since = self._busy_since
        if (
            self._tells
            and since is not None
            and self._clock.monotonic() - since > LINGER_MS / 1000
        ):
            return BUSY_LINGER_MS
        return LINGER_MS
