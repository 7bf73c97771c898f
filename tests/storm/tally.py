"""How far the writing is: what the ledgers of `angarium verify` have,
counted while they grow.
"""

import time
from collections.abc import Sequence
from pathlib import Path

_ACCEPTED = b'{"entry": "accepted"'


class Tally:
    """Counts accepted messages, and the longest time in which there was
    none.
    """

    def __init__(self, ledgers: Sequence[Path]) -> None:
        self._read = dict.fromkeys(ledgers, 0)
        self._last_progress = time.monotonic()
        self.accepted = 0
        self.longest_gap = 0.0

    @property
    def gap(self) -> float:
        """Seconds since the last message was accepted."""
        return time.monotonic() - self._last_progress

    def look(self) -> int:
        """Read on, and tell how many there are."""
        found = sum(self._grown(ledger) for ledger in self._read)
        if found:
            if self.accepted:  # Before the first one everybody logs in.
                self.longest_gap = max(self.longest_gap, self.gap)
            self._last_progress = time.monotonic()
            self.accepted += found
        return self.accepted

    def _grown(self, ledger: Path) -> int:
        if not ledger.exists():
            return 0
        with ledger.open("rb") as file:
            file.seek(self._read[ledger])
            data = file.read(64 * 1024 * 1024)
        whole = data[: data.rfind(b"\n") + 1]
        self._read[ledger] += len(whole)
        return whole.count(_ACCEPTED)
