"""How long a record waits for others to share its batch: as long as
there is anything to wait for.
"""

from angarium.clock import Clock

LINGER_MS = 3.0
"""What a record usually waits: batches of one cost several times as
much a record.
"""

BUSY_LINGER_MS = 20.0
"""What it waits at most while the caller goes on without a pause. Its
records then share a batch however long each takes to make, and nobody
gets an answer later: the caller would not come round to give it.
"""

ALONE_SECONDS = 0.01
"""A record that comes so long after the one before it does not wait:
nobody keeps it company.
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
