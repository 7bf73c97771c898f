"""Sends own lines one after the other, each until the log has it."""

import threading
from collections import deque
from collections.abc import Callable, Iterator

from angarium.cli.chat.connection_status import (
    IDLE_WAIT_S,
    ConnectionStatus,
    LoginStatus,
    RequestRetry,
    outage_waits,
)
from angarium.cli.chat.events import (
    ChatClient,
    LineAccepted,
    LineRejected,
    OwnLine,
    Post,
)
from angarium.client.errors import ApiProblem, RequestFailed

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


_ABOUT_THE_TEXT = frozenset({"empty_content", "invalid_content", "content_too_large"})


class Sender:
    """Sends the outbox; used by one thread.

    The next line goes out only when the one before was accepted: that
    is what keeps them in order.
    """

    def __init__(
        self,
        client: ChatClient,
        outbox: Outbox,
        connection: ConnectionStatus,
        login: LoginStatus,
        post: Post,
        waits: Callable[[], Iterator[float]] = outage_waits,
    ) -> None:
        """Send from one outbox, once `enter` names the conversation."""
        self._client = client
        self._conversation_id = ""
        self._login = login
        self._outbox = outbox
        self._connection = connection
        self._post = post
        self._retry = RequestRetry("sender", connection, login, waits)

    def enter(self, conversation_id: str) -> None:
        """Name the conversation, before the first step.

        Args:
            conversation_id: Where every line goes.
        """
        self._conversation_id = conversation_id

    def step(self) -> float:
        """Try to send one line.

        Returns:
            Seconds until the next try.

        Raises:
            RequestFailed: The server will not take any line.
        """
        line = self._outbox.first()
        if line is None or self._login.is_needed:
            return IDLE_WAIT_S
        number = self._login.number
        try:
            with self._connection.request("sender"):
                self._client.send(self._conversation_id, line.content, line.message_id)
        except RequestFailed as failure:
            wait = self._retry.wait_after(failure, number)
            if wait is not None:
                return wait
            if not (isinstance(failure, ApiProblem) and failure.code in _ABOUT_THE_TEXT):
                raise
            self._outbox.take_first()
            self._post(LineRejected(line, failure.detail))
        else:
            self._outbox.take_first()
            self._post(LineAccepted(line))
        self._retry.record_success()
        return 0.0
