"""Every open connection, and which one makes room when there are too
many.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")

CANDIDATES = 16
"""Of one address, and addresses: so few are looked at to find one that
can be closed.
"""


class _Source(Generic[Item]):
    """The connections of one address."""

    __slots__ = ("name", "size", "waiting")

    def __init__(self, name: str) -> None:
        """Begin without connections."""
        self.name = name
        self.size = 0
        # Those that wait for their client, the one that has waited
        # longest first.
        self.waiting: dict[Item, None] = {}


class ConnectionTable(Generic[Item]):
    """Counts connections by address, and knows who of each has waited
    longest; used by one thread.

    All it does costs the same however many connections and addresses
    there are.
    """

    __slots__ = ("_by_size", "_largest", "_sources", "_sources_of", "_waiting")

    def __init__(self) -> None:
        """Begin without connections."""
        self._sources: dict[str, _Source[Item]] = {}
        self._sources_of: dict[Item, _Source[Item]] = {}
        # By how many connections they have; of equals the one first
        # that has been still for longest.
        self._by_size: dict[int, dict[_Source[Item], None]] = {}
        self._largest = 0
        self._waiting = 0

    def __len__(self) -> int:
        """Return how many connections there are."""
        return len(self._sources_of)

    def __iter__(self) -> Iterator[Item]:
        """Return every connection."""
        return iter(self._sources_of)

    @property
    def has_waiting(self) -> bool:
        """Tell whether any connection waits for its client.

        Returns:
            False when all have something to do, and none can make room.
        """
        return self._waiting > 0

    def address_of(self, connection: Item) -> str:
        """Name the address that a connection is counted by.

        Args:
            connection: May be unknown.

        Returns:
            As it was added; nobody's for one that is not there.
        """
        source = self._sources_of.get(connection)
        return "" if source is None else source.name

    def add(self, connection: Item, address: str) -> None:
        """Count a connection.

        Args:
            connection: Which was opened.
            address: Where from; all addresses of one client are the
                same.
        """
        source = self._sources.get(address)
        if source is None:
            source = self._sources[address] = _Source(address)
        self._sources_of[connection] = source
        self._resize(source, source.size + 1)

    def remove(self, connection: Item) -> None:
        """Count a connection no longer.

        Args:
            connection: Which is closed; may be there or not.
        """
        source = self._sources_of.get(connection)
        if source is None:
            return
        self.works(connection)
        del self._sources_of[connection]
        self._resize(source, source.size - 1)
        if not source.size:
            del self._sources[source.name]

    def waits(self, connection: Item) -> None:
        """Take it that a connection waits for its client from now on.

        Args:
            connection: May have waited before; may be unknown.
        """
        source = self._sources_of.get(connection)
        if source is None:
            return
        if connection in source.waiting:
            del source.waiting[connection]
            self._waiting -= 1
        source.waiting[connection] = None
        self._waiting += 1
        equals = self._by_size[source.size]
        del equals[source]
        equals[source] = None

    def works(self, connection: Item) -> None:
        """Take it that a connection waits for its client no longer.

        Args:
            connection: May have waited or not; may be unknown.
        """
        source = self._sources_of.get(connection)
        if source is not None and connection in source.waiting:
            del source.waiting[connection]
            self._waiting -= 1

    def candidates(self) -> Iterator[Item]:
        """Look for those that should make room: the longest waiting of
        the address that has most, and so on.

        Yields:
            A few connections that wait; each may be removed before the
            next is asked for.
        """
        for size in range(self._largest, 0, -1):
            for source in tuple(islice(self._by_size.get(size, ()), CANDIDATES)):
                yield from tuple(islice(source.waiting, CANDIDATES))

    def largest(self) -> tuple[str, int]:
        """Name the address that has most connections.

        Returns:
            The address, and how many it has; nobody and 0 where there
            are none.
        """
        for source in self._by_size.get(self._largest, ()):
            return source.name, source.size
        return "", 0

    def _resize(self, source: _Source[Item], size: int) -> None:
        """Put an address among those of its size."""
        before = self._by_size.get(source.size)
        if before is not None:
            before.pop(source, None)
            if not before:
                del self._by_size[source.size]
        source.size = size
        if size:
            self._by_size.setdefault(size, {})[source] = None
        self._largest = max(self._largest, size)
        while self._largest and self._largest not in self._by_size:
            self._largest -= 1
