"""Waits for the messages that a conversation gets from now on."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from angarium.client.bodies import PageBody
from angarium.client.message import Message

ACTIVE_POLL_S = 0.4
"""Seconds between polls while something happens."""

IDLE_POLL_S = 2.0
"""Seconds between polls when nothing has happened for some time."""

POLL_GROWTH = 1.2
"""By how much each poll without news lengthens the wait: from ACTIVE to
IDLE in about 10 s.
"""


class FollowPages:
    """An iterator that waits for the next page with a message in it.

    It polls with the API's `resume_cursor`, so it misses and repeats
    nothing. An error does not end it: the next `next()` goes on where
    the last one was. Used by one thread; `stop` by any.
    """

    def __init__(
        self,
        read_page: Callable[[str], PageBody],
        cursor: str,
        timeout_s: float | None = None,
    ) -> None:
        """Begin after a page that was read.

        Args:
            read_page: Reads the page after a cursor.
            cursor: The `resume_cursor` of that page.
            timeout_s: The longest wait for a message; None for ever.
        """
        self._read_page = read_page
        self._cursor = cursor
        self._timeout_s = timeout_s
        self._poll_s = ACTIVE_POLL_S
        self._stopping = threading.Event()

    def __iter__(self) -> Self:
        """Return itself, as iterators do."""
        return self

    def __next__(self) -> PageBody:
        """Return the next page, as soon as it has a message.

        Returns:
            The page.

        Raises:
            StopIteration: `stop` was called, or nothing came in time.
            RequestFailed: The server did not answer, or refused.
        """
        started = time.monotonic()
        while not self._stopping.is_set():
            page = self._read_page(self._cursor)
            self._cursor = page.resume_cursor
            if page.messages:
                self._poll_s = ACTIVE_POLL_S
                return page
            wait = self._poll_s
            if self._timeout_s is not None:
                wait = min(wait, started + self._timeout_s - time.monotonic())
                if wait <= 0:
                    break
            self._stopping.wait(wait)
            self._poll_s = min(IDLE_POLL_S, self._poll_s * POLL_GROWTH)
        raise StopIteration

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        self._stopping.set()

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()


class Follow:
    """An iterator that waits for the next message.

    Like `FollowPages`, but with one message at a time.
    """

    def __init__(
        self, pages: FollowPages, messages_of: Callable[[PageBody], Sequence[Message]]
    ) -> None:
        """Take the messages from pages.

        Args:
            pages: Waits for them.
            messages_of: Names the senders of a page's messages.
        """
        self._pages = pages
        self._messages_of = messages_of
        self._page: PageBody | None = None
        self._pending: deque[Message] = deque()

    def __iter__(self) -> Self:
        """Return itself, as iterators do."""
        return self

    def __next__(self) -> Message:
        """Return the next message, as soon as there is one.

        Returns:
            The message.

        Raises:
            StopIteration: `stop` was called, or none came in time.
            RequestFailed: The server did not answer, or refused.
        """
        if self._pages.is_stopped:
            raise StopIteration
        if not self._pending:
            # Kept until its senders are named, which may take a
            # request that fails: the pages go on after it.
            self._page = self._page or next(self._pages)
            self._pending.extend(self._messages_of(self._page))
            self._page = None
        return self._pending.popleft()

    def stop(self) -> None:
        """End the iteration, also one that waits in another thread."""
        self._pages.stop()
