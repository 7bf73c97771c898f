"""Slowing down whoever guesses passwords."""

import math
import threading
from collections import OrderedDict
from hashlib import blake2b

from angarium.clock import Clock
from angarium.domain.errors import Code, Refused

ADDRESS_FACTOR = 10
"""An address may fail so many times as often in all as for one username: several people share one."""

REMEMBERED = 50_000
"""Addresses and pairs at once; the one used longest ago is forgotten first."""

Key = tuple[str, bytes]


class LoginThrottle:
    """Counts failed logins in a sliding window, by address and username; used by any thread."""

    def __init__(self, attempts: int, window: float, clock: Clock) -> None:
        """Set the limits.

        Args:
            attempts: Failures of one address for one username, and a tenth of its failures for all.
            window: Seconds for which a failure counts.
            clock: Tells the time.
        """
        self._attempts = attempts
        self._window = window
        self._clock = clock
        self._failures: OrderedDict[Key, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def start(self, username: str, address: str) -> "Attempt":
        """Count an attempt as failed before it is known how it ends, so that parallel guesses all count.

        Args:
            username: The name as it was sent.
            address: Where the attempt comes from.

        Returns:
            The attempt, which must be told when it did not fail.

        Raises:
            Refused: `too_many_attempts` with the seconds until another attempt is heard; a refused attempt
                does not count.
        """
        # A name may be as long as a whole request: its digest takes the same room for each.
        name = blake2b(username.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        limits: dict[Key, int] = {
            (address, name): self._attempts,
            (address, b""): self._attempts * ADDRESS_FACTOR,
        }
        with self._lock:
            now = self._clock.monotonic()
            wait = max(self._wait(key, limit, now) for key, limit in limits.items())
            if wait > 0:
                raise _refusal(math.ceil(wait))
            for key in limits:
                self._add(key, now)
        return Attempt(self, (address, name), (address, b""), now)

    def forget(self, key: Key, moment: float) -> None:
        """Take one failure back.

        Args:
            key: Where it was counted.
            moment: When its attempt began.
        """
        with self._lock:
            failures = self._failures.get(key, [])
            if moment in failures:
                failures.remove(moment)
            if not failures:
                self._failures.pop(key, None)

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
        return failures[0] + self._window - now if len(failures) >= limit else 0.0

    def _add(self, key: Key, now: float) -> None:
        self._failures.setdefault(key, []).append(now)
        self._failures.move_to_end(key)
        if len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)


class Attempt:
    """One attempt to log in; it counts as failed unless it is told otherwise."""

    def __init__(self, throttle: LoginThrottle, pair: Key, address: Key, started: float) -> None:
        """Note where the attempt was counted.

        Args:
            throttle: Counted it.
            pair: The address with the username.
            address: The address alone.
            started: When it was counted, by the throttle's clock.
        """
        self._throttle = throttle
        self._pair = pair
        self._address = address
        self._started = started

    def succeeded(self) -> None:
        """Tell that the password was right: the pair's count starts anew."""
        self._throttle.clear(self._pair)
        self._throttle.forget(self._address, self._started)

    def abandoned(self) -> None:
        """Tell that the password was never compared, so that nothing failed."""
        self._throttle.forget(self._pair, self._started)
        self._throttle.forget(self._address, self._started)


def _refusal(seconds: int) -> Refused:
    return Refused.because(
        Code.TOO_MANY_ATTEMPTS,
        f"Too many logins failed from this address; try again in {seconds} s.",
        retry_after=seconds,
    )
