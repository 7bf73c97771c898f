"""One call for all callers that ask for the same at once.

Conditional writes of one row get in each other's way: each that loses
starts again, and among two dozen on a busy cluster none may succeed in
time. So a process has one of them in flight, and the other callers
share its outcome. (Go's package `singleflight` gave it the name.)
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Generic, TypeVar

from angarium import deadline
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.session import CALL_S

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """Runs at most one call per key at a time; used by any thread."""

    def __init__(self) -> None:
        """Start with no call in flight."""
        self._lock = threading.Lock()
        self._flights: dict[Key, Future[Result]] = {}

    def run(self, key: Key, call: Callable[[], Result]) -> Result:
        """Make a call, or wait for the same one that is in flight.

        When that one fails, one of the waiting callers makes its own:
        the failed one may have had less time.

        Args:
            key: What is the same.
            call: Its outcome is as good for every caller that asks for
                the same meanwhile.

        Returns:
            What the call, or the one in flight, returned.

        Raises:
            StoreUnavailable: No answer within the caller's own deadline
                and 2 s at most.
        """
        with deadline.within(CALL_S):
            while True:
                flight, is_leader = self._join(key)
                if is_leader:
                    return self._lead(key, flight, call)
                if _has_result(flight):
                    return flight.result()

    def _join(self, key: Key) -> tuple["Future[Result]", bool]:
        """Return the flight of a key, and whether to lead it."""
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            self._flights[key] = flight = Future()
            return flight, True

    def _lead(self, key: Key, flight: "Future[Result]", call: Callable[[], Result]) -> Result:
        """Return the call's result, after the others can see it."""
        try:
            result = call()
        except BaseException as error:
            self._end(key)
            flight.set_exception(error)
            raise
        self._end(key)
        flight.set_result(result)
        return result

    def _end(self, key: Key) -> None:
        """Let the next caller make a call of its own."""
        with self._lock:
            del self._flights[key]


def _has_result(flight: "Future[Result]") -> bool:
    """Return whether another caller's flight succeeded."""
    try:
        return flight.exception(deadline.remaining(CALL_S)) is None
    except FutureTimeout as error:
        raise StoreUnavailable(
            "Cassandra did not answer an earlier request for the same in time"
        ) from error
