"""A limit on the bytes of texts that all threads read at a time."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Condition, Lock

from angarium import deadline
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.cassandra.row_mapping import Rows

ROW_BYTES = MAX_CONTENT_BYTES + 256
"""What a message takes in an answer of Cassandra at most."""

MAX_READ_BYTES = 8 * 1024 * 1024
"""Room for seven pages of a hundred of the largest texts at a time, or
for fifteen of fifty, one for each thread that reads. While it is read,
an answer is in memory twice: as bytes, and as rows (docs/adr/0007).
"""


class ReadBudget:
    """A semaphore counted in bytes; used by any thread."""

    def __init__(self, max_bytes: int = MAX_READ_BYTES) -> None:
        """Start with nothing reserved.

        Args:
            max_bytes: The limit for all answers that are being read.
        """
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._turn = Lock()
        self._freed = Condition()

    @contextmanager
    def reserve(self, count: int, at_most_s: float) -> "Iterator[list[Future[Rows]]]":
        """Reserve room for answers until all of them have arrived.

        First come, first served: a large reservation is not overtaken
        by small ones.

        Args:
            count: The maximum number of messages in all answers.
            at_most_s: Seconds to wait, where no deadline is nearer.

        Yields:
            A list for the answers that the caller waits for. One that
            the caller gave up on keeps its room until it arrives.

        Raises:
            StoreUnavailable: There was no room in time.
        """
        size = min(count * ROW_BYTES, self._max_bytes)
        with deadline.within(at_most_s):
            self._take(size, at_most_s)
        answers: list[Future[Rows]] = []
        try:
            yield answers
        finally:
            self._give_back(size, [answer for answer in answers if not answer.done()])

    def _take(self, size: int, at_most_s: float) -> None:
        """Reserve bytes, one thread after the other."""
        if not self._turn.acquire(timeout=deadline.remaining(at_most_s)):
            raise _no_room()
        try:
            with self._freed:
                if not self._freed.wait_for(
                    lambda: self._left >= size, deadline.remaining(at_most_s)
                ):
                    raise _no_room()
                self._left -= size
        finally:
            self._turn.release()

    def _give_back(self, size: int, awaited: "list[Future[Rows]]") -> None:
        """Release bytes, now or with the last of some answers."""
        if awaited:
            last = awaited.pop()
            last.add_done_callback(
                lambda _: self._give_back(
                    size, [answer for answer in awaited if not answer.done()]
                )
            )
            return
        with self._freed:
            self._left += size
            self._freed.notify()


def _no_room() -> StoreUnavailable:
    """Make the error for a caller that waited in vain."""
    return StoreUnavailable("too many pages of messages are being read; there was no room in time")
