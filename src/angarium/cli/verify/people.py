"""Who writes and reads; renews a token if it has the password."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from angarium.client.api_client import AcceptedBody, ApiClient, Caller
from angarium.client.bodies import PageBody
from angarium.client.errors import LoginRefused
from angarium.client.transport import HttpTransport

Result = TypeVar("Result")

TIMEOUT_S = 5.0
"""Seconds for one request: an instance that is frozen is left for
another one.
"""


class Person:
    """A user whose clients share one token.

    Used by any thread.
    """

    def __init__(self, username: str, password: str | None, token: str = "") -> None:
        """Take a password, or a token that cannot be renewed."""
        self.username = username
        self.token = token
        self._password = password

    def log_in(self, url: str) -> None:
        """Get a token.

        Args:
            url: The instance to ask.

        Raises:
            RequestFailed: There is none.
        """
        if self._password is None or self.token:
            return
        self.renew(url)

    def renew(self, url: str) -> bool:
        """Get another token, where the password is known.

        Args:
            url: The instance to ask.

        Returns:
            Whether there is a new one.

        Raises:
            RequestFailed: The instance gave none.
        """
        if self._password is None:
            return False
        client = ApiClient(HttpTransport(url, TIMEOUT_S), None, 0.0)
        try:
            self.token = client.log_in(self.username, self._password).access_token
        finally:
            client.close()
        return True


class HttpVerifyClient:
    """A person's calls through one instance; used by one thread."""

    def __init__(self, url: str, person: Person) -> None:
        """Use a connection of its own to one instance."""
        self.url = url
        self._person = person
        self._transport = HttpTransport(url, TIMEOUT_S)

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedBody:
        """Implements `VerifyClient.send`."""
        return self.call(lambda client: client.send(conversation_id, content, message_id))

    def history(self, conversation_id: str, limit: int, cursor: str | None = None) -> PageBody:
        """Implements `VerifyClient.history`."""
        return self.call(lambda client: client.history(conversation_id, limit, cursor))

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        """Implements `VerifyClient.confirm`."""
        self.call(lambda client: client.confirm(conversation_id, message_ids))

    def open_conversation(self, username: str) -> str:
        """Open a conversation with a user; as `ApiClient`, once.

        Args:
            username: The other one.

        Returns:
            The conversation's id.
        """
        return self.call(lambda client: client.open_conversation(client.user_id(username)))

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def call(self, do: Callable[[ApiClient], Result]) -> Result:
        """Make a call; renew an expired token once and repeat.

        Args:
            do: The call.

        Returns:
            What it returned.

        Raises:
            RequestFailed: It failed.
        """
        person = self._person
        try:
            return do(self._client())
        except LoginRefused:
            if not person.renew(self.url):
                raise
        return do(self._client())

    def _client(self) -> ApiClient:
        """Make a client that does not retry, with the token."""
        return ApiClient(self._transport, Caller(self._person.username, self._person.token), 0.0)
