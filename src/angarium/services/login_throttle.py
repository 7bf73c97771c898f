"""Slowing down whoever guesses passwords."""

import math
import threading
from collections import Counter, OrderedDict
from hashlib import blake2b

from angarium.clock import Clock
from angarium.domain.errors import Code, Refused
from angarium.domain.ip_addresses import client_key

ADDRESS_FACTOR = 10
"""An address may fail so many times as often in all as for one
username: several people share one.
"""

REMEMBERED = 50_000
"""Addresses and pairs with failures at once; the one used longest ago
is forgotten first.
"""

Key = tuple[str, bytes]


class LoginThrottle:
    """Counts failed logins in a sliding window, by address and
    username; used by any thread.
    """

    def __init__(self, attempts: int, window: float, clock: Clock) -> None:
        """Set the limits.

        Args:
            attempts: Failures of one address for one username, and a
                tenth of its failures for all.
            window: Seconds for which a failure counts.
            clock: Tells the time.
        """
        self._attempts = attempts
        self._window = window
        self._clock = clock
        self._failures: OrderedDict[Key, list[float]] = OrderedDict()
        self._under_way: Counter[Key] = Counter()
        self._lock = threading.Lock()

    def start(self, username: str, address: str) -> "Attempt":
        """Let an attempt begin while it, with those under way, may
        still fail: parallel guesses all count.

        Args:
            username: The name as it was sent.
            address: Where the attempt comes from.

        Returns:
            The attempt, which must be told how it ended.

        Raises:
            Refused: `too_many_attempts` with the seconds until another
                attempt is heard, `overloaded` when only attempts under
                way leave no room for it; a refused attempt does not
                count.
        """
        # A name may be as long as a whole request: its digest takes the
        # same room for each.
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
                raise _crowded()
            self._under_way.update(limits.keys())
        return Attempt(self, (source, name), (source, b""))

    def end(self, key: Key, failed: bool) -> None:
        """Count an attempt as under way no longer.

        Args:
            key: Where it was counted.
            failed: Whether it counts as a failure from now on.
        """
        with self._lock:
            self._under_way[key] -= 1
            if self._under_way[key] <= 0:
                del self._under_way[key]
            if failed:
                self._add(key, self._clock.monotonic())

    def clear(self, key: Key) -> None:
        """Take all failures back.

        Args:
            key: Where they were counted.
        """
        with self._lock:
            self._failures.pop(key, None)

    def _wait(self, key: Key, limit: int, now: float) -> float:
        failures = self._failures.get(key, [])
        while failures and failures[0] + self._window <= now:
            failures.pop(0)
        if not failures:
            self._failures.pop(key, None)
        return failures[0] + self._window - now if len(failures) >= limit else 0.0

    def _is_full(self, key: Key, limit: int) -> bool:
        return len(self._failures.get(key, [])) + self._under_way[key] >= limit

    def _add(self, key: Key, now: float) -> None:
        self._failures.setdefault(key, []).append(now)
        self._failures.move_to_end(key)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)


class Attempt:
    """One attempt to log in, under way until it is told how it
    ended.
    """

    def __init__(self, throttle: LoginThrottle, pair: Key, address: Key) -> None:
        """Note where the attempt was counted.

        Args:
            throttle: Counted it.
            pair: The address with the username.
            address: The address alone.
        """
        self._throttle = throttle
        self._pair = pair
        self._address = address

    def succeeded(self) -> None:
        """Tell that the password was right: the pair's count starts
        anew.
        """
        self._throttle.clear(self._pair)
        self.abandoned()

    def failed(self) -> None:
        """Tell that the password was wrong."""
        self._throttle.end(self._pair, failed=True)
        self._throttle.end(self._address, failed=True)

    def abandoned(self) -> None:
        """Tell that the password was never compared, so that nothing
        failed.
        """
        self._throttle.end(self._pair, failed=False)
        self._throttle.end(self._address, failed=False)


def _refusal(seconds: int) -> Refused:
    return Refused.because(
        Code.TOO_MANY_ATTEMPTS,
        f"Too many logins failed from this address; try again in {seconds} s.",
        retry_after=seconds,
    )


def _crowded() -> Refused:
    return Refused.because(
        Code.OVERLOADED,
        "Too many logins from this address are being checked; try again in a second.",
        retry_after=1,
    )
