"""Random bytes for ids, fetched from the system for many ids at once.

A system call releases the interpreter's lock, and a busy thread must
then wait to get it back. That costs more than the bytes
(docs/adr/0022).
"""

import os
from collections import deque
from collections.abc import Callable

SIZE = 16
"""Bytes of one call: a trace id has 16, and a UUID that sorts by time
(version 7) needs ten.
"""

AT_ONCE = 256
"""How many times SIZE is fetched with one system call: 4 KiB."""


class RandomPool:
    """Returns random bytes, none of them twice; for any thread."""

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        """Start empty.

        Args:
            source: Returns a number of bytes, fit for secrets.
        """
        self._source = source
        self._kept: deque[bytes] = deque()
        # A forked child must not return the same bytes as its parent.
        os.register_at_fork(after_in_child=self._kept.clear)

    def __call__(self) -> bytes:
        """Return the next bytes.

        Returns:
            SIZE bytes.
        """
        try:
            return self._kept.popleft()
        except IndexError:
            fetched = self._source(SIZE * AT_ONCE)
        self._kept.extend(
            fetched[start : start + SIZE] for start in range(SIZE, len(fetched), SIZE)
        )
        return fetched[:SIZE]


random_bytes = RandomPool()
"""The one pool of the process."""
