"""Sends own lines one after the other, each until the log has it."""

import threading
from collections import deque
from collections.abc import Callable, Iterator

from angarium import backoff
from angarium.cli.chat.events import (
    ChatClient,
    LineAccepted,
    LineRejected,
    OwnLine,
    Post,
    ServerBack,
    ServerLost,
)
from angarium.client.errors import ApiProblem, RequestFailed, ServerUnreachable


class ConnectionStatus:
    """Makes one notice of an outage that both threads see.

    Used by any thread.
    """

    def __init__(self, post: Post) -> None:
        """Begin connected."""
        self._post = post
        self._lock = threading.Lock()
        self._failing: set[str] = set()

    def record_failure(self, party: str, failure: RequestFailed) -> None:
        """Note a request that failed and will be repeated.

        Args:
            party: The thread that made it, `sender` or `feed`.
            failure: Why.
        """
        with self._lock:
            first = not self._failing
            self._failing.add(party)
        if first:
            self._post(
                ServerLost(
                    failure.reason if isinstance(failure, ServerUnreachable) else str(failure)
                )
            )

    def record_success(self, party: str) -> None:
        """Note a request that succeeded.

        Args:
            party: The thread that made it, `sender` or `feed`.
        """
        with self._lock:
            mended = self._failing == {party}
            self._failing.discard(party)
        if mended:
            self._post(ServerBack())


MAX_LINES = 1_000
"""Lines that wait to be sent; then no more input is read."""


class Outbox:
    """A bounded queue of own lines, in typing order.

    Used by any thread.
    """

    def __init__(self, most: int = MAX_LINES) -> None:
        """Start empty."""
        self._most = most
        self._lines: deque[OwnLine] = deque()
        self._lock = threading.Lock()

    @property
    def is_full(self) -> bool:
        """Return whether reading more lines must wait."""
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
        """Return the line to send next, without removing it.

        Returns:
            The oldest line, None when there is none.
        """
        with self._lock:
            return self._lines[0] if self._lines else None

    def take_first(self) -> None:
        """Remove the oldest line, after the log has it."""
        with self._lock:
            self._lines.popleft()

    def lines(self) -> tuple[OwnLine, ...]:
        """List what waits.

        Returns:
            The lines, oldest first.
        """
        with self._lock:
            return tuple(self._lines)


IDLE_WAIT_S = 60.0
"""Seconds until the next look when nothing waits; a new line ends the
wait.
"""

_ABOUT_THE_TEXT = frozenset({"empty_content", "invalid_content", "content_too_large"})


def outage_waits() -> Iterator[float]:
    """Return the waits between tries during an outage.

    Returns:
        Seconds, without an end.
    """
    return backoff.delays(first=0.2, most=2.0)


class Sender:
    """Sends the outbox; used by one thread.

    The next line goes out only when the one before was accepted: that
    is what keeps them in order.
    """

    def __init__(
        self,
        client: ChatClient,
        conversation_id: str,
        outbox: Outbox,
        connection: ConnectionStatus,
        post: Post,
        waits: Callable[[], Iterator[float]] = outage_waits,
    ) -> None:
        """Send to one conversation, from one outbox."""
        self._client = client
        self._conversation_id = conversation_id
        self._outbox = outbox
        self._connection = connection
        self._post = post
        self._fresh_waits = waits
        self._waits = waits()

    def step(self) -> float:
        """Try to send one line.

        Returns:
            Seconds until the next try.

        Raises:
            RequestFailed: The server will not take any line.
        """
        line = self._outbox.first()
        if line is None:
            return IDLE_WAIT_S
        try:
            self._client.send(self._conversation_id, line.content, line.message_id)
        except RequestFailed as failure:
            if failure.retryable:
                self._connection.record_failure("sender", failure)
                return max(next(self._waits), failure.retry_after or 0.0)
            if not (isinstance(failure, ApiProblem) and failure.code in _ABOUT_THE_TEXT):
                raise
            self._outbox.take_first()
            self._post(LineRejected(line, failure.detail))
        else:
            self._outbox.take_first()
            self._post(LineAccepted(line))
        self._waits = self._fresh_waits()
        self._connection.record_success("sender")
        return 0.0
