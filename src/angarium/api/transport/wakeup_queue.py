"""Word from other threads to the one that sleeps in a selector."""

import contextlib
import socket
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class WakeupQueue(Generic[Item]):
    """Takes items from any thread and wakes their reader, once for a
    whole bunch.

    The reader announces with `doze` that it is about to sleep, and goes
    to sleep only when that says so; between naps nobody pays for waking
    it.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._dozing = False
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """Give what becomes readable when the reader must wake.

        Returns:
            A file descriptor.
        """
        return self._reader.fileno()

    def put(self, item: Item) -> None:
        """Hand an item over; callable from any thread, and from a
        signal handler.

        Args:
            item: What the reader gets.
        """
        self._items.append(item)
        if self._dozing:
            self.wake()

    def wake(self) -> None:
        """Wake the reader without an item; callable from any thread,
        and from a signal handler.
        """
        self._dozing = False
        # A full buffer means that it is being woken; a closed one, that
        # nobody sleeps there any more.
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")

    def prepare_to_sleep(self) -> bool:
        """Announce that the reader is about to sleep.

        Returns:
            False when it must not, because there are items.
        """
        self._dozing = True
        if self._items:
            self._dozing = False
        return self._dozing

    def awake(self) -> None:
        """Say that the reader is awake: nobody needs to wake it."""
        self._dozing = False

    def clear(self) -> None:
        """Make the descriptor unreadable again."""
        with contextlib.suppress(BlockingIOError):
            while len(self._reader.recv(4096)) == 4096:
                pass

    def items(self) -> Iterator[Item]:
        """Take the items that are there.

        Yields:
            Each, in the order of coming; those that come meanwhile wait
            for the next round.
        """
        for _ in range(len(self._items)):
            yield self._items.popleft()

    def close(self) -> None:
        """Give the descriptors back."""
        self._reader.close()
        self._writer.close()
