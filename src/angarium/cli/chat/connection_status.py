"""What both network threads know of the server and of the login."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from angarium import backoff
from angarium.cli.chat.events import (
    LoginNeeded,
    Post,
    ServerBack,
    ServerLost,
    ServerSilent,
)
from angarium.client.errors import RequestFailed, ServerUnreachable

IDLE_WAIT_S = 60.0
"""Seconds until the next look when nothing waits; a new line ends the
wait.
"""

SILENT_S = 3.0
"""Seconds without an answer after which a person should know.

The service answers within 2 s, also when its store does not. A request
to a server that is frozen fails only after 10 s.
"""


class ConnectionStatus:
    """Makes one notice of an outage that both threads see.

    Used by any thread.
    """

    def __init__(
        self, post: Post, url: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin connected.

        Args:
            post: Hands events to the main thread.
            url: The server's address.
            monotonic: The time in seconds.
        """
        self._post = post
        self._url = url
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._failing: set[str] = set()
        self._asked_at: dict[str, float] = {}
        self._looked_at = monotonic()

    @contextmanager
    def request(self, party: str) -> Iterator[None]:
        """Note that a request is under way during a block.

        Args:
            party: The thread that makes it, `sender` or `feed`.

        Yields:
            Nothing.
        """
        with self._lock:
            self._asked_at[party] = self._monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._asked_at[party]

    def find_silence(self) -> ServerSilent | None:
        """Look whether a request waits for an answer for too long.

        To be called every second or so. After a longer pause this
        process was suspended: the answers may have come meanwhile, so
        the requests count as made now.

        Returns:
            What to tell; None when there is no news.
        """
        with self._lock:
            now = self._monotonic()
            was_suspended = now - self._looked_at > SILENT_S
            self._looked_at = now
            if was_suspended:
                self._asked_at = dict.fromkeys(self._asked_at, now)
            silent = {party for party, at in self._asked_at.items() if now - at >= SILENT_S}
            is_news = bool(silent) and not self._failing
            self._failing |= silent
        return ServerSilent(self._url) if is_news else None

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


class LoginStatus:
    """Knows whether the server still takes the token.

    Once it does not, no thread asks again before there is a new one.
    Used by any thread.
    """

    def __init__(self, post: Post) -> None:
        """Begin with a token that is taken to be good."""
        self._post = post
        self._lock = threading.Lock()
        self._number = 0
        self._is_needed = False

    @property
    def number(self) -> int:
        """Return which login it is; to be read before a request."""
        with self._lock:
            return self._number

    @property
    def is_needed(self) -> bool:
        """Return whether requests are of no use."""
        with self._lock:
            return self._is_needed

    def refuse(self, number: int, failure: RequestFailed) -> None:
        """Note that the token was refused; the first time is posted.

        Args:
            number: Of the login that the request was made with. A
                refusal of an earlier one is no news.
            failure: The server's answer.
        """
        with self._lock:
            is_news = number == self._number and not self._is_needed
            self._is_needed = self._is_needed or is_news
        if is_news:
            self._post(LoginNeeded(failure))

    def renew(self) -> None:
        """Note that there is a new token."""
        with self._lock:
            self._number += 1
            self._is_needed = False


def outage_waits() -> Iterator[float]:
    """Return the waits between tries during an outage.

    Returns:
        Seconds, without an end.
    """
    return backoff.delays(first=0.2, most=2.0)


class RequestRetry:
    """Says when a thread makes its next request after one that failed.

    Used by one thread.
    """

    def __init__(
        self,
        party: str,
        connection: ConnectionStatus,
        login: LoginStatus,
        waits: Callable[[], Iterator[float]] = outage_waits,
    ) -> None:
        """Begin without a failure.

        Args:
            party: The thread, `sender` or `feed`.
            connection: Is told of failures and of their end.
            login: Is told of a refused token.
            waits: Returns the waits between tries during an outage.
        """
        self._party = party
        self._connection = connection
        self._login = login
        self._fresh_waits = waits
        self._waits = waits()

    def wait_after(self, failure: RequestFailed, number: int) -> float | None:
        """Note a failure and choose the wait.

        Args:
            failure: Why the request failed.
            number: Of the login that it was made with.

        Returns:
            Seconds until the next try; None if that would not help.
        """
        if failure.retryable:
            self._connection.record_failure(self._party, failure)
            return max(next(self._waits), failure.retry_after or 0.0)
        if failure.is_about_the_token:
            self._login.refuse(number, failure)
            return IDLE_WAIT_S
        return None

    def record_success(self) -> None:
        """Note that the server answers."""
        self._connection.record_success(self._party)
        self._waits = self._fresh_waits()
