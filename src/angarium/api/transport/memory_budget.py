"""Limits what all connections hold together (docs/adr/0007).

This is the backpressure of bytes; `shares` has that of requests.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from angarium import logs
from angarium.logs.repeats import Tally
from angarium.timeout_queue import TimeoutQueue

Holder = TypeVar("Holder")

_log = logs.get("angarium.api.transport")


class MemoryBudget(Generic[Holder]):
    """Counts bytes of requests and responses, up to a maximum.

    Beyond it the connection that has waited longest for its client is
    closed.

    Attributes:
        held: Bytes of all connections.
    """

    __slots__ = ("_closed", "_evict", "_evicting", "_max_bytes", "_queues", "held")

    def __init__(
        self,
        max_bytes: int,
        queues: Sequence[TimeoutQueue[Holder]],
        evict: Callable[[Holder], None],
    ) -> None:
        """Start with nothing held.

        Args:
            max_bytes: What all connections may hold together.
            queues: Where connections wait for their clients.
            evict: Closes a connection, so that it holds nothing or
                waits no longer; must not raise.
        """
        self.held = 0
        self._max_bytes = max_bytes
        self._queues = queues
        self._evict = evict
        self._evicting = False
        self._closed = Tally()

    def change(self, holder: Holder, more: int) -> None:
        """Count bytes, and make room if there are too many.

        Args:
            holder: The connection; may itself be closed for it.
            more: How many more than before, negative for fewer.
        """
        self.held += more
        # A connection that makes room calls this too, with fewer bytes.
        if self.held <= self._max_bytes or self._evicting:
            return
        self._evicting = True
        while self.held > self._max_bytes:
            longest = self._longest_waiting()
            self._closed.add()
            self._evict(longest or holder)
            if longest is None:
                break
        self._evicting = False

    def has_room(self, more: int) -> bool:
        """Make room for something before it exists.

        Args:
            more: Bytes that it will take.

        Returns:
            False if running requests alone leave no room.
        """
        while self.held + more > self._max_bytes:
            longest = self._longest_waiting()
            if longest is None:
                return False
            self._closed.add()
            self._evict(longest)
        return True

    def report(self, now: float) -> None:
        """Log how many were closed since the last line, if one is due.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                report before the server ends.
        """
        closed = self._closed.due(now)
        if closed:
            _log.warning(
                "connections_shed",
                f"{closed} connections that waited for their clients were closed: all together "
                f"held more than {self._max_bytes:,} bytes of requests and responses",
                ended=closed,
                held=self.held,
            )

    def _longest_waiting(self) -> Holder | None:
        """Return the connection that has waited longest, if any."""
        found = [longest for queue in self._queues if (longest := queue.longest()) is not None]
        return min(found, key=itemgetter(1))[0] if found else None
