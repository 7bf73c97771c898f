"""How many bytes of texts are asked of Cassandra at a time, by all
threads together.
"""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Condition, Lock

from angarium import deadline
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import MAX_CONTENT_BYTES
from angarium.engines.cassandra.row_mapping import Rows

ROW_BYTES = MAX_CONTENT_BYTES + 256
"""What a message takes in an answer of Cassandra, rounded up."""

MAX_READ_BYTES = 8 * 1024 * 1024
"""Seven pages of a hundred of the largest texts are read at a time, or
fifteen of fifty: as many as there are threads that could read. While it
is read, an answer is there twice: as it comes, and as rows
(docs/adr/0007).
"""


class ReadBudget:
    """A bound on bytes that are being read; used by any thread."""

    def __init__(self, max_bytes: int = MAX_READ_BYTES) -> None:
        """Begin with nothing read.

        Args:
            max_bytes: As many may be asked for at a time.
        """
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._turn = Lock()
        self._freed = Condition()

    @contextmanager
    def room(self, count: int, at_most_s: float) -> "Iterator[list[Future[Rows]]]":
        """Wait for room for answers, and keep it while a block lasts
        and until all of them are there.

        Who waits for much is not passed by those who want little.

        Args:
            count: Messages with their texts in all answers, at most.
            at_most_s: Seconds to wait, where no deadline is nearer.

        Yields:
            A list for the answers that are waited for. What nobody
            waits for any more comes all the same, and takes room until
            then.

        Raises:
            StoreUnavailable: There was no room in time.
        """
        wanted = min(count * ROW_BYTES, self._max_bytes)
        with deadline.within(at_most_s):
            self._take(wanted, at_most_s)
        answers: list[Future[Rows]] = []
        try:
            yield answers
        finally:
            self._give_back(wanted, [answer for answer in answers if not answer.done()])

    def _take(self, wanted: int, at_most_s: float) -> None:
        """Take room, in turn."""
        if not self._turn.acquire(timeout=deadline.remaining(at_most_s)):
            raise _no_room()
        try:
            with self._freed:
                if not self._freed.wait_for(
                    lambda: self._left >= wanted, deadline.remaining(at_most_s)
                ):
                    raise _no_room()
                self._left -= wanted
        finally:
            self._turn.release()

    def _give_back(self, taken: int, awaited: "list[Future[Rows]]") -> None:
        """Give room back, now or with the last of some answers."""
        if awaited:
            last = awaited.pop()
            last.add_done_callback(
                lambda _: self._give_back(
                    taken, [answer for answer in awaited if not answer.done()]
                )
            )
            return
        with self._freed:
            self._left += taken
            self._freed.notify()


def _no_room() -> StoreUnavailable:
    """Return what whoever waited in vain is told."""
    return StoreUnavailable("too many pages of messages are being read; there was no room in time")
