"""Random bytes for ids, fetched from the system for many of them at
once.

Asking the system lets another thread have the interpreter, which then
has to be waited for: that costs a busy server more than the bytes.
"""

import os
from collections import deque
from collections.abc import Callable

SIZE = 16
"""Bytes given at a time: a trace id has so many, and an id that sorts
by time needs ten.
"""

AT_ONCE = 256
"""So many times SIZE is fetched at once: 4 KiB."""


class RandomPool:
    """Gives bytes that nobody was given before; used by any thread."""

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        """Begin with none.

        Args:
            source: Gives so many bytes, fit for secrets.
        """
        self._source = source
        self._kept: deque[bytes] = deque()
        # What the parent has yet to give is no secret of the child's.
        os.register_at_fork(after_in_child=self._kept.clear)

    def __call__(self) -> bytes:
        """Give some.

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
"""Everybody's."""
