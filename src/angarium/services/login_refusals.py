"""Failed logins in the log, without a flood of lines."""

import threading
from collections import Counter
from uuid import UUID

from angarium import logs
from angarium.clock import Clock

WINDOW_SECONDS = 10.0
LINES = 10
"""Written in full within a window; so many people mistype. Further ones
are summed up when it ends.
"""

ADDRESSES = 1_000
"""Counted apart within a window; a flood from more of them is told all
the same, as a sum.
"""

_log = logs.get("angarium.login")


class LoginRefusals:
    """Writes the first failures of a window, and one line about the
    others; used by any thread.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without failures.

        Args:
            clock: Tells the time.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = float("-inf")
        self._written = 0
        self._held_back = 0
        self._addresses: Counter[str] = Counter()

    def note(self, address: str, user_id: UUID | None) -> None:
        """Tell that a login failed.

        Args:
            address: Where it came from.
            user_id: Whose password was wrong, None where there is no
                such user.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._ends and not self._held_back:
                self._ends = now + WINDOW_SECONDS
                self._written = 0
            self._written += 1
            if self._written > LINES:
                self._held_back += 1
                if address in self._addresses or len(self._addresses) < ADDRESSES:
                    self._addresses[address] += 1
                return
        # The name is not written down: people type their password into
        # the wrong field.
        _log.warning(
            "login_refused",
            "A login failed: unknown user or wrong password.",
            address=address,
            **({"user_id": user_id} if user_id is not None else {}),
        )

    def report(self, at_once: bool = False) -> None:
        """Write the line about those that were held back, when their
        window has ended.

        Args:
            at_once: Whether there will be no later moment for it.
        """
        if not self._held_back:
            return
        with self._lock:
            now = self._clock.monotonic()
            if now < self._ends and not at_once:
                return
            failed, self._held_back = self._held_back, 0
            addresses, self._addresses = self._addresses, Counter()
            # While it goes on, only sums are written.
            self._ends = now + WINDOW_SECONDS
        worst, times = addresses.most_common(1)[0]
        _log.warning(
            "login_refused",
            f"{failed} more logins failed, {times} of them from the address named here.",
            failed=failed,
            addresses=len(addresses),
            address=worst,
        )
