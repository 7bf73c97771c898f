"""Connections that have something to do, in turns by address."""

from heapq import heappop, heappush
from typing import Generic, TypeVar

Item = TypeVar("Item")

CREDIT_SECONDS = 0.002
"""What an address that asked for little lately may have done for it
before those that ask all the time: some requests. Others are put off
by no more than twice this for each address that is served."""
FORGET_ABOVE = 64
"""So many addresses without a ready connection are remembered, and as
many again as have one, before those that used nothing up are dropped.
"""


class _Flow(Generic[Item]):
    """The ready connections of one address."""

    __slots__ = ("finish", "waiting")

    def __init__(self, finish: float) -> None:
        """Begin without connections.

        Args:
            finish: The virtual time at which its service so far ends.
        """
        self.waiting: dict[Item, int] = {}
        self.finish = finish


class ReadyQueue(Generic[Item]):
    """Fair queueing by the time that addresses take; used by one
    thread.

    Start-time fair queueing, as in `fair_queue.py`, with the seconds of
    service for lengths. An address that has been still may begin a
    little earlier than now, so one that comes seldom comes next,
    however many others have more to do.
    """

    __slots__ = ("_flows", "_next", "_order", "_time")

    def __init__(self) -> None:
        """Begin with nobody."""
        self._flows: dict[str, _Flow[Item]] = {}
        # Each address with a ready connection: start, order of coming.
        self._next: list[tuple[float, int, str]] = []
        self._time = 0.0
        self._order = 0

    def __bool__(self) -> bool:
        """Return whether anybody has something to do."""
        return bool(self._next)

    def add(self, connection: Item, address: str, events: int) -> None:
        """Queue a connection; one that is there already keeps its
        place.

        Args:
            connection: Has something to do.
            address: Where from; all addresses of one client are the
                same.
            events: What woke it; 0 when it only goes on.
        """
        flow = self._flows.get(address)
        earliest = self._time - CREDIT_SECONDS
        if flow is None:
            self._forget(earliest)
            flow = self._flows[address] = _Flow(earliest)
        if not flow.waiting:
            flow.finish = max(flow.finish, earliest)
            self._list(address, flow)
        flow.waiting[connection] = flow.waiting.get(connection, 0) | events

    def pop(self) -> tuple[Item, int, str]:
        """Take the next connection, of the address that had least of
        late.

        Returns:
            The connection, all that woke it, and its address, which
            must be charged before anything is added or taken.
        """
        start, _, address = heappop(self._next)
        self._time = max(self._time, start)
        waiting = self._flows[address].waiting
        connection = next(iter(waiting))
        return connection, waiting.pop(connection), address

    def charge(self, address: str, seconds: float) -> None:
        """Count the time that the connection taken last took.

        Args:
            address: Its address.
            seconds: How long it was served.
        """
        flow = self._flows[address]
        flow.finish += seconds
        # It moves on also while only newcomers are served, so that they
        # do not come before everybody else for ever; half as fast as
        # those who are there, who would never be ahead of it otherwise.
        self._time += seconds / (2 * len(self._next) + 2)
        if flow.waiting:
            self._list(address, flow)
        elif not self._next:
            # Nobody waits: whatever anybody had, it was at nobody's
            # cost.
            self._flows.clear()

    def _list(self, address: str, flow: _Flow[Item]) -> None:
        """Enter an address among those that are served."""
        self._order += 1
        heappush(self._next, (flow.finish, self._order, address))

    def _forget(self, earliest: float) -> None:
        """Drop addresses that would begin no later if they were new."""
        if len(self._flows) <= 2 * len(self._next) + FORGET_ABOVE:
            return
        self._flows = {
            address: flow
            for address, flow in self._flows.items()
            if flow.waiting or flow.finish > earliest
        }
