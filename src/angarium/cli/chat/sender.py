"""Sends own lines one after the other, each until the log has it."""

from collections.abc import Callable, Iterator

from angarium import backoff
from angarium.cli.chat.connection_status import ConnectionStatus
from angarium.cli.chat.events import Accepted, ChatClient, Post, Rejected
from angarium.cli.chat.outbox import Outbox
from angarium.cli.errors import ApiProblem, RequestFailed

AT_REST = 60.0
"""Seconds until the next look when nothing waits; a new line ends the
wait.
"""

_ABOUT_THE_TEXT = frozenset({"empty_content", "invalid_content", "content_too_large"})


def outage_waits() -> Iterator[float]:
    """Give the waits between tries during an outage.

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
        link: ConnectionStatus,
        post: Post,
        waits: Callable[[], Iterator[float]] = outage_waits,
    ) -> None:
        self._client = client
        self._conversation_id = conversation_id
        self._outbox = outbox
        self._link = link
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
            return AT_REST
        try:
            self._client.send(self._conversation_id, line.content, line.message_id)
        except RequestFailed as failure:
            if failure.may_pass:
                self._link.failed("sender", failure)
                return max(next(self._waits), failure.retry_after or 0.0)
            if not (isinstance(failure, ApiProblem) and failure.code in _ABOUT_THE_TEXT):
                raise
            self._outbox.take_first()
            self._post(Rejected(line, failure.detail))
        else:
            self._outbox.take_first()
            self._post(Accepted(line))
        self._waits = self._fresh_waits()
        self._link.worked("sender")
        return 0.0
