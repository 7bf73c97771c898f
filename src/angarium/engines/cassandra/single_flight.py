"""One call for all who ask the same at once.

Conditional writes of one row get in each other's way: each that is
beaten starts anew, and among two dozen on a busy cluster none may be
done in time. So of one instance one of them is on its way, and the
others take its outcome.
"""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Generic, TypeVar

from angarium import deadline
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.session import CALL_SECONDS

Key = TypeVar("Key", bound=Hashable)
Result = TypeVar("Result")


class SingleFlight(Generic[Key, Result]):
    """Lets one call of a key run at a time; used by any thread."""

    def __init__(self) -> None:
        """Begin with none under way."""
        self._lock = threading.Lock()
        self._flights: dict[Key, Future[Result]] = {}

    def run(self, key: Key, call: Callable[[], Result]) -> Result:
        """Make a call, or wait for the same one that is under way.

        When that one fails, one of those who wait makes its own: the
        failed one may have had less time.

        Args:
            key: What is the same.
            call: Whose outcome is as good for everybody who asks the
                same meanwhile.

        Returns:
            What the call, or the one under way, returned.

        Raises:
            StoreUnavailable: No answer within the caller's own deadline
                and 2 s at most.
        """
        with deadline.within(CALL_SECONDS):
            while True:
                flight, is_leader = self._join(key)
                if is_leader:
                    return self._lead(key, flight, call)
                if _has_result(flight):
                    return flight.result()

    def _join(self, key: Key) -> tuple["Future[Result]", bool]:
        """Return the flight of a key, and True to whoever has to make
        it.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False
            self._flights[key] = flight = Future()
            return flight, True

    def _lead(self, key: Key, flight: "Future[Result]", call: Callable[[], Result]) -> Result:
        """Return what the call returned, once those who wait know it
        too.
        """
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
        """Let whoever comes now make a call of their own."""
        with self._lock:
            del self._flights[key]


def _has_result(flight: "Future[Result]") -> bool:
    """Return whether somebody else's flight went well, once it has
    ended.
    """
    try:
        return flight.exception(deadline.remaining(CALL_SECONDS)) is None
    except FutureTimeout as error:
        raise StoreUnavailable(
            "Cassandra did not answer whoever asked the same before in time"
        ) from error
