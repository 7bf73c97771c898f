"""A cache that drops the least recently used entry first."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """A mapping with a maximum size; used by any thread."""

    def __init__(self, size: int) -> None:
        """Set the bound.

        Args:
            size: Maximum number of entries, 1 or more.
        """
        self._size = size
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Look an entry up, which counts as a use.

        Args:
            key: As it was put.

        Returns:
            The value; None when there is none, or it was dropped.
        """
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
            return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, instead of an earlier one of the same key.

        Args:
            key: To find it by.
            value: Anything but None.
        """
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget an entry, if there is one.

        Args:
            key: As it was put.
        """
        with self._lock:
            self._entries.pop(key, None)
