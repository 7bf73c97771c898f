"""All open connections, and which one to close if there are too many.

The address with the most connections gives one up (docs/adr/0007).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")

MAX_CANDIDATES = 16
"""Connections of an address, and addresses, that are looked at to find
one to close. A limit, because each look may be a system call.
"""


class _Source(Generic[Item]):
    """The connections of one address."""

    __slots__ = ("name", "size", "waiting")

    def __init__(self, name: str) -> None:
        """Start without connections."""
        self.name = name
        self.size = 0
        # Those that wait for their client, the one that has waited
        # longest first.
        self.waiting: dict[Item, None] = {}


class ConnectionTable(Generic[Item]):
    """Counts connections by address, and knows who waits longest.

    Each operation takes constant time, whatever the number of
    connections and addresses. Used by one thread.
    """

    __slots__ = ("_by_size", "_largest", "_sources", "_sources_of", "_waiting")

    def __init__(self) -> None:
        """Start without connections."""
        self._sources: dict[str, _Source[Item]] = {}
        self._sources_of: dict[Item, _Source[Item]] = {}
        # Addresses by their number of connections; among equals the one
        # that has waited longest is first.
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
        """True if a connection waits for its client, and can go."""
        return self._waiting > 0

    def address_of(self, connection: Item) -> str:
        """Return the address that a connection counts for.

        Args:
            connection: May be unknown.

        Returns:
            As it was added; empty for an unknown connection.
        """
        source = self._sources_of.get(connection)
        return "" if source is None else source.name

    def add(self, connection: Item, address: str) -> None:
        """Count a new connection.

        Args:
            connection: Not in the table.
            address: The client's; all of an IPv6 network are one.
        """
        source = self._sources.get(address)
        if source is None:
            source = self._sources[address] = _Source(address)
        self._sources_of[connection] = source
        self._resize(source, source.size + 1)

    def remove(self, connection: Item) -> None:
        """Count a closed connection no longer.

        Args:
            connection: May be unknown.
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
        """Note that a connection waits for its client from now on.

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
        """Note that a connection waits for its client no longer.

        Args:
            connection: May have waited or not; may be unknown.
        """
        source = self._sources_of.get(connection)
        if source is not None and connection in source.waiting:
            del source.waiting[connection]
            self._waiting -= 1

    def candidates(self) -> Iterator[Item]:
        """Find connections to close, the first choice first.

        These are the ones that have waited longest, of the address with
        the most connections; then of the next address.

        Yields:
            At most a few; each may be removed before the next is taken.
        """
        for size in range(self._largest, 0, -1):
            for source in tuple(islice(self._by_size.get(size, ()), MAX_CANDIDATES)):
                yield from tuple(islice(source.waiting, MAX_CANDIDATES))

    def largest(self) -> tuple[str, int]:
        """Return the address with the most connections.

        Returns:
            The address and its number of connections; empty and 0 if
            there are none.
        """
        for source in self._by_size.get(self._largest, ()):
            return source.name, source.size
        return "", 0

    def _resize(self, source: _Source[Item], size: int) -> None:
        """Move an address to those with as many connections."""
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
