"""Lines that the log does not have yet."""

import threading
from collections import deque

from angarium.cli.chat.events import OwnLine

MAX_LINES = 1_000


class Outbox:
    """A bounded queue of own lines, in the order in which they were
    typed; used by any thread.
    """

    def __init__(self, most: int = MAX_LINES) -> None:
        self._most = most
        self._lines: deque[OwnLine] = deque()
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Tell whether reading more lines must wait."""
        with self._lock:
            return len(self._lines) >= self._most

    def put(self, line: OwnLine) -> None:
        """Add a line; the caller stops reading while the box is full.

        Args:
            line: The newest.
        """
        with self._lock:
            self._lines.append(line)

    def first(self) -> OwnLine | None:
        """Look at the line that is sent next; it stays until it is
        taken out.

        Returns:
            The oldest line, None when there is none.
        """
        with self._lock:
            return self._lines[0] if self._lines else None

    def take_first(self) -> None:
        """Take out the oldest line."""
        with self._lock:
            self._lines.popleft()

    def lines(self) -> tuple[OwnLine, ...]:
        """List what waits.

        Returns:
            The lines, oldest first.
        """
        with self._lock:
            return tuple(self._lines)
