"""Connections that have something to do, in turns by address."""

from collections import OrderedDict
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ReadyQueue(Generic[Item]):
    """Fair queueing: an address with a thousand connections waits for itself; used by one thread."""

    __slots__ = ("_addresses",)

    def __init__(self) -> None:
        """Begin with nobody."""
        self._addresses: OrderedDict[str, dict[Item, int]] = OrderedDict()

    def __bool__(self) -> bool:
        """Return whether anybody has something to do."""
        return bool(self._addresses)

    def add(self, connection: Item, address: str, events: int) -> None:
        """Queue a connection; one that is there already keeps its place.

        Args:
            connection: Has something to do.
            address: Where from; all addresses of one client are the same.
            events: What woke it; 0 when it only goes on.
        """
        waiting = self._addresses.get(address)
        if waiting is None:
            waiting = self._addresses[address] = {}
        waiting[connection] = waiting.get(connection, 0) | events

    def pop(self) -> tuple[Item, int]:
        """Take the next connection, of the address that was not asked for longest.

        Returns:
            The connection, and all that woke it.
        """
        address, waiting = self._addresses.popitem(last=False)
        connection = next(iter(waiting))
        events = waiting.pop(connection)
        if waiting:
            self._addresses[address] = waiting
        return connection, events
