"""Hands items to a thread that sleeps in a selector, and wakes it.

docs/how/event-loop-wakeup.md shows why no wake-up is lost.
"""

import contextlib
import socket
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class WakeupQueue(Generic[Item]):
    """Takes items from any thread, and wakes their reader if it sleeps.

    The reader calls `prepare_to_sleep` first, and sleeps only if that
    returns True. While it is awake, `put` costs no system call.
    """

    def __init__(self) -> None:
        """Start empty, with a pair of connected sockets."""
        self._items: deque[Item] = deque()
        self._sleeping = False
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def __bool__(self) -> bool:
        """Return whether there are items."""
        return bool(self._items)

    def fileno(self) -> int:
        """Return what becomes readable when the reader must wake.

        Returns:
            A file descriptor, for a selector.
        """
        return self._reader.fileno()

    def put(self, item: Item) -> None:
        """Hand an item over, from any thread or a signal handler.

        Args:
            item: For the reader.
        """
        self._items.append(item)
        if self._sleeping:
            self.wake()

    def wake(self) -> None:
        """Wake the reader, from any thread or a signal handler."""
        self._sleeping = False
        # If the buffer is full, it is being woken already; if the
        # socket is closed, nobody sleeps.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def prepare_to_sleep(self) -> bool:
        """Announce that the reader is about to sleep.

        Returns:
            False if it must not, because there are items.
        """
        self._sleeping = True
        if self._items:
            self._sleeping = False
        return self._sleeping

    def awake(self) -> None:
        """Note that the reader is awake, so `put` need not wake it."""
        self._sleeping = False

    def clear(self) -> None:
        """Read the wake-up bytes away, so that the reader can sleep."""
        with contextlib.suppress(BlockingIOError):
            while len(self._reader.recv(4096)) == 4096:
                pass

    def items(self) -> Iterator[Item]:
        """Take the items that are there now.

        Yields:
            Each, in the order of `put`; later ones wait for the next
            call.
        """
        for _ in range(len(self._items)):
            yield self._items.popleft()

    def close(self) -> None:
        """Close both sockets."""
        self._reader.close()
        self._writer.close()
