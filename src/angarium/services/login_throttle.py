"""A limit on failed logins, against guessing (docs/adr/0011)."""

import math
import threading
from collections import Counter, OrderedDict
from hashlib import blake2b

from angarium.clock import Clock
from angarium.domain.errors import Code, Refused
from angarium.domain.ip_addresses import client_key

ADDRESS_FACTOR = 10
"""An address may fail ten times as often in total as for one username:
several people share an address.
"""

MAX_KEYS = 50_000
"""Addresses and pairs with failures in memory; the least recently used
is dropped first.
"""

Key = tuple[str, bytes]
"""An address, and a username's digest or nothing for all usernames."""


class LoginThrottle:
    """Counts failed logins by address and username; used by any thread.

    A failure counts for a sliding window. Attempts in progress count as
    failures, so that parallel guesses cannot slip through.
    """

    def __init__(self, attempts: int, window_s: float, clock: Clock) -> None:
        """Set the limits.

        Args:
            attempts: Maximum failures of one address for one username;
                ADDRESS_FACTOR times as many are allowed for all.
            window_s: Seconds for which a failure counts.
            clock: The window's time.
        """
        self._attempts = attempts
        self._window_s = window_s
        self._clock = clock
        self._failures: OrderedDict[Key, list[float]] = OrderedDict()
        self._in_progress: Counter[Key] = Counter()
        self._lock = threading.Lock()

    def start(self, username: str, address: str) -> "Attempt":
        """Begin an attempt, unless it would exceed a limit by failing.

        Args:
            username: The name as it was sent.
            address: The client's.

        Returns:
            The attempt; exactly one of its methods must be called.

        Raises:
            Refused: `too_many_attempts` with the seconds until the next
                one is allowed, `overloaded` when only attempts in
                progress fill the limit; a refused attempt does not
                count.
        """
        # A name may be as long as a whole request: digests all have
        # the same size.
        name = blake2b(username.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        source = client_key(address)
        limits: dict[Key, int] = {
            (source, name): self._attempts,
            (source, b""): self._attempts * ADDRESS_FACTOR,
        }
        with self._lock:
            now = self._clock.monotonic()
            wait = max(self._wait(key, limit, now) for key, limit in limits.items())
            if wait > 0:
                raise _refusal(math.ceil(wait))
            if any(self._is_full(key, limit) for key, limit in limits.items()):
                raise _too_many_attempts()
            self._in_progress.update(limits.keys())
        return Attempt(self, (source, name), (source, b""))

    def end(self, key: Key, failed: bool) -> None:
        """Count an attempt as no longer in progress.

        Args:
            key: Where it was counted.
            failed: True when it counts as a failure from now on.
        """
        with self._lock:
            self._in_progress[key] -= 1
            if self._in_progress[key] <= 0:
                del self._in_progress[key]
            if failed:
                self._add(key, self._clock.monotonic())

    def clear(self, key: Key) -> None:
        """Forget all failures of a key, after a success.

        Args:
            key: Where they were counted.
        """
        with self._lock:
            self._failures.pop(key, None)

    def _wait(self, key: Key, limit: int, now: float) -> float:
        """Return the seconds until a key has room for a failure."""
        failures = self._failures.get(key, [])
        while failures and failures[0] + self._window_s <= now:
            failures.pop(0)
        if not failures:
            self._failures.pop(key, None)
        return failures[0] + self._window_s - now if len(failures) >= limit else 0.0

    def _is_full(self, key: Key, limit: int) -> bool:
        """Return whether failures and attempts fill a limit."""
        return len(self._failures.get(key, [])) + self._in_progress[key] >= limit

    def _add(self, key: Key, now: float) -> None:
        """Count a failure; drop the key used least recently if full."""
        self._failures.setdefault(key, []).append(now)
        self._failures.move_to_end(key)
        if len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)


class Attempt:
    """One attempt to log in, in progress until a method is called."""

    def __init__(self, throttle: LoginThrottle, pair: Key, address: Key) -> None:
        """Note where the attempt was counted.

        Args:
            throttle: Counts it as in progress.
            pair: The key of address and username.
            address: The key of the address alone.
        """
        self._throttle = throttle
        self._pair = pair
        self._address = address

    def succeed(self) -> None:
        """End it with the right password; reset the pair's count."""
        self._throttle.clear(self._pair)
        self.abandon()

    def fail(self) -> None:
        """End it with a wrong password: a failure for both keys."""
        self._throttle.end(self._pair, failed=True)
        self._throttle.end(self._address, failed=True)

    def abandon(self) -> None:
        """End it without a comparison: nothing failed."""
        self._throttle.end(self._pair, failed=False)
        self._throttle.end(self._address, failed=False)


def _refusal(seconds: int) -> Refused:
    """Refuse an address that has failed too often: 429."""
    return Refused.because(
        Code.TOO_MANY_ATTEMPTS,
        f"Too many logins failed from this address; try again in {seconds} s.",
        retry_after=seconds,
    )


def _too_many_attempts() -> Refused:
    """Refuse an address whose attempts fill a limit: 503."""
    return Refused.because(
        Code.OVERLOADED,
        "Too many logins from this address are being checked; try again in a second.",
        retry_after=1,
    )
