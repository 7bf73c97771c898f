"""A bounded memory of what was used last."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class LruCache(Generic[Key, Value]):
    """Keeps so many entries at most and forgets the least recently used
    first; used by any thread.
    """

    def __init__(self, size: int) -> None:
        """Set the bound.

        Args:
            size: Entries that are kept at most, 1 or more.
        """
        self._size = size
        self._entries: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Value | None:
        """Look an entry up, which counts as a use.

        Args:
            key: Its key.

        Returns:
            The value, None when there is none or no longer.
        """
        with self._lock:
            value = self._entries.get(key)
            if value is not None:
                self._entries.move_to_end(key)
            return value

    def put(self, key: Key, value: Value) -> None:
        """Keep an entry in place of an earlier one of its key.

        Args:
            key: Its key.
            value: Its value.
        """
        with self._lock:
            self._entries[key] = value
            self._entries.move_to_end(key)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget an entry, if there is one.

        Args:
            key: Its key.
        """
        with self._lock:
            self._entries.pop(key, None)
