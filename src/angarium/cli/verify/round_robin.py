"""Sends each call of a user to the next instance in turn."""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol, TypeVar

from angarium import backoff
from angarium.client import RequestFailed
from angarium.client.api_client import RetryHook
from angarium.client.bodies import AcceptedMessage, PageBody

Result = TypeVar("Result")


class VerifyClient(Protocol):
    """One user's calls through one instance, each tried once."""

    @property
    def url(self) -> str:
        """The address of the instance."""
        ...

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
        """Send a message, as `ApiClient.send`."""
        ...

    def history(self, conversation_id: str, limit: int, cursor: str | None = None) -> PageBody:
        """Read a page, as `ApiClient.history`, oldest first."""
        ...

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        """Confirm delivery, as `ApiClient.confirm`."""
        ...


class RoundRobinClient:
    """Takes the instances round-robin; used by one thread.

    Attributes:
        retries: Requests that had to be made again.
    """

    def __init__(
        self,
        clients: Sequence[VerifyClient],
        patience_s: float,
        monotonic: Callable[[], float],
        pause: Callable[[float], bool],
    ) -> None:
        """Name the instances.

        Args:
            clients: One for each.
            patience_s: Seconds for which one request is repeated.
            monotonic: Returns seconds, as `time.monotonic`.
            pause: Waits for seconds; returns True when the run ends.
        """
        self.retries = 0
        self._clients = clients
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._pause = pause
        self._next = 0

    def once(self, call: Callable[[VerifyClient], Result]) -> Result:
        """Make a call through the next instance.

        Args:
            call: What to do.

        Returns:
            What it returned.

        Raises:
            RequestFailed: It failed.
        """
        client = self._clients[self._next % len(self._clients)]
        self._next += 1
        return call(client)

    def until_done(
        self, call: Callable[[VerifyClient], Result], on_retry: RetryHook | None = None
    ) -> Result:
        """Try one instance after the other until one succeeds.

        Args:
            call: What to do; safe to repeat.
            on_retry: Called when it has to be repeated.

        Returns:
            What it returned.

        Raises:
            RequestFailed: The patience is over, or no repetition can
                help.
        """
        give_up_at = self._monotonic() + self._patience_s
        waits = backoff.delays(0.05, 1.0)
        for tries in count(1):
            try:
                return self.once(call)
            except RequestFailed as failure:
                if not failure.retryable:
                    raise
                # Another instance is asked at once; only when each has
                # failed there is a wait.
                wait = 0.0 if tries % len(self._clients) else next(waits)
                left_s = give_up_at - self._monotonic()
                if on_retry is not None and wait < left_s:
                    on_retry(failure, left_s)
                if wait >= left_s or self._pause(wait):
                    raise
            self.retries += 1
        raise AssertionError("the tries never end")
