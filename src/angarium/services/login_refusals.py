"""Failed logins in the log, without a flood of lines."""

import threading
from collections import Counter
from uuid import UUID

from angarium import logs
from angarium.clock import Clock

WINDOW_S = 10.0
"""How often a sum is logged: soon enough to notice, and few lines."""

MAX_LINES = 10
"""Failures with a line of their own in a window, as people who mistype
cause; further ones are summed up when it ends.
"""

MAX_ADDRESSES = 1_000
"""Addresses that are counted separately in a window, so that memory has
a bound; the sum counts failures from any number.
"""

_log = logs.get("angarium.services")


class LoginRefusals:
    """Logs the first failures of a window, and the others as a sum.

    Used by any thread.
    """

    def __init__(self, clock: Clock) -> None:
        """Begin without failures.

        Args:
            clock: The windows' time.
        """
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = float("-inf")
        self._written = 0
        self._held_back = 0
        self._addresses: Counter[str] = Counter()

    def note(self, address: str, user_id: UUID | None) -> None:
        """Count a failed login; log it or leave it to the sum.

        Args:
            address: The client's.
            user_id: The user whose password was wrong; None when there
                is no such user.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now >= self._ends and not self._held_back:
                self._ends = now + WINDOW_S
                self._written = 0
            self._written += 1
            if self._written > MAX_LINES:
                self._held_back += 1
                if address in self._addresses or len(self._addresses) < MAX_ADDRESSES:
                    self._addresses[address] += 1
                return
        # The name is not logged: people type their password into the
        # wrong field.
        _log.warning(
            "login_refused",
            "A login failed: unknown user or wrong password.",
            address=address,
            **({"user_id": user_id} if user_id is not None else {}),
        )

    def report(self, at_once: bool = False) -> None:
        """Log the sum of the others, when their window has ended.

        Args:
            at_once: True when the process stops, so that there is no
                later moment for it.
        """
        if not self._held_back:
            return
        with self._lock:
            now = self._clock.monotonic()
            if now < self._ends and not at_once:
                return
            failed, self._held_back = self._held_back, 0
            addresses, self._addresses = self._addresses, Counter()
            # While it goes on, only sums are logged.
            self._ends = now + WINDOW_S
        worst, times = addresses.most_common(1)[0]
        _log.warning(
            "login_refused",
            f"{failed} more logins failed, {times} of them from the address named here.",
            failed=failed,
            addresses=len(addresses),
            address=worst,
        )
