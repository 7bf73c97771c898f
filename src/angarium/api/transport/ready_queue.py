"""The order in which ready connections are served, fair by address.

docs/adr/0007 has the decision.
"""

from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

CREDIT_S = 0.002
"""How much service an address that has been quiet gets before the busy
ones: a few requests. Others are delayed by at most twice this for each
address that is served.
"""
FORGET_ABOVE = 64
"""Addresses that are remembered, beyond two for each one with a ready
connection, before those without any debt are dropped.
"""


class _Flow(Generic[Item]):
    """The ready connections of one address."""

    __slots__ = ("finish", "waiting")

    def __init__(self, finish: float) -> None:
        """Start without connections.

        Args:
            finish: The virtual time at which its service so far ends.
        """
        self.waiting: dict[Item, int] = {}
        self.finish = finish


class ReadyQueue(Generic[Item]):
    """Start-time fair queueing by address; used by one thread.

    As in `fair_queue.py`, but the length of a job is the time that it
    took. An address that has been quiet starts a little earlier than
    now. So it comes next, however many others have more to do.
    """

    __slots__ = ("_flows", "_next", "_order", "_time")

    def __init__(self) -> None:
        """Start empty."""
        self._flows: dict[str, _Flow[Item]] = {}
        # A heap of addresses with ready connections: start, number of
        # the entry, address.
        self._next: list[tuple[float, int, str]] = []
        self._time = 0.0
        self._order = 0

    def __bool__(self) -> bool:
        """Return whether any connection is ready."""
        return bool(self._next)

    def add(self, connection: Item, address: str, events: int) -> bool:
        """Queue a connection; one that is queued keeps its place.

        Args:
            connection: Is ready.
            address: The client's; all of an IPv6 network are one.
            events: What woke it; 0 if it only continues.

        Returns:
            False if it was queued already.
        """
        flow = self._flows.get(address)
        earliest = self._time - CREDIT_S
        if flow is None:
            self._forget(earliest)
            flow = self._flows[address] = _Flow(earliest)
        if not flow.waiting:
            flow.finish = max(flow.finish, earliest)
            self._list(address, flow)
        known = flow.waiting.get(connection)
        flow.waiting[connection] = events if known is None else known | events
        return known is None

    def pop(self) -> tuple[Item, int, str]:
        """Take the next connection, of the address with least service.

        Returns:
            The connection, all events that woke it, and its address,
            which must be charged before the next `add` or `pop`.
        """
        start, _, address = heappop(self._next)
        self._time = max(self._time, start)
        waiting = self._flows[address].waiting
        connection = next(iter(waiting))
        return connection, waiting.pop(connection), address

    def charge(self, address: str, seconds: float) -> None:
        """Count the time of the connection that was taken last.

        Args:
            address: Its address.
            seconds: How long it was served.
        """
        flow = self._flows[address]
        flow.finish += seconds
        # Virtual time also rises while only new addresses are served,
        # or they would come before all others for ever. It rises half
        # as fast as the share of those that are here, which would never
        # be ahead of it otherwise.
        self._time += seconds / (2 * len(self._next) + 2)
        if flow.waiting:
            self._list(address, flow)
        elif not self._next:
            # Nobody waits, so nobody's service delayed anybody.
            self._flows.clear()

    def _list(self, address: str, flow: _Flow[Item]) -> None:
        """Put an address on the heap."""
        self._order += 1
        heappush(self._next, (flow.finish, self._order, address))

    def _forget(self, earliest: float) -> None:
        """Drop addresses that new ones would not differ from."""
        if len(self._flows) <= 2 * len(self._next) + FORGET_ABOVE:
            return
        self._flows = {
            address: flow
            for address, flow in self._flows.items()
            if flow.waiting or flow.finish > earliest
        }
