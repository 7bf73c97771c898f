"""Many ids in little memory."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from uuid import UUID

ID_BYTES = 16


class SortedIds:
    """Ids in ascending order, at 16 bytes each.

    A set of a million ids would take 100 MB.
    """

    def __init__(self) -> None:
        """Start without ids."""
        self._data = bytearray()

    def __len__(self) -> int:
        """Return how many ids there are."""
        return len(self._data) // ID_BYTES

    def __getitem__(self, number: int) -> bytes:
        """Return the bytes of one id; `bisect` needs it."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        return bytes(self._data[number * ID_BYTES : (number + 1) * ID_BYTES])

    def __contains__(self, identifier: UUID) -> bool:
        """Return whether an id is there, by bisection."""
        raw = identifier.bytes
        number = bisect_left(self, raw)
        return number < len(self) and self[number] == raw

    def last(self) -> UUID | None:
        """Return the greatest id.

        Returns:
            None when there is none.
        """
        return UUID(bytes=self[len(self) - 1]) if self._data else None

    def append(self, identifier: UUID) -> None:
        """Add an id.

        Args:
            identifier: Greater than all others.
        """
        self._data += identifier.bytes

    def pages(self, limit: int) -> Iterator[Sequence[UUID]]:
        """Read the ids in groups.

        Args:
            limit: The maximum number of ids in one.

        Yields:
            Ascending.
        """
        for start in range(0, len(self), limit):
            end = min(start + limit, len(self))
            yield [UUID(bytes=self[number]) for number in range(start, end)]

    def __eq__(self, other: object) -> bool:
        """Return whether two have the same ids."""
        return isinstance(other, SortedIds) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def of(cls, data: bytes | bytearray) -> "SortedIds":
        """Sort ids that come in any order.

        Args:
            data: 16 bytes for each.

        Returns:
            Each of them once.
        """
        ids = cls()
        raw = {bytes(data[at : at + ID_BYTES]) for at in range(0, len(data), ID_BYTES)}
        ids._data = bytearray().join(sorted(raw))
        return ids
