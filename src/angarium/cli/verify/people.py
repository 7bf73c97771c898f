"""Who writes and reads; renews a token if it has the password."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from angarium.client import AcceptedMessage, ApiClient, Client, RequestFailed
from angarium.client.bodies import PageBody

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
        with Client(url, timeout_s=TIMEOUT_S, patience_s=0.0) as client:
            self.token = client.api.log_in(self.username, self._password).access_token
        return True


class HttpVerifyClient:
    """A person's calls through one instance; used by any thread."""

    def __init__(self, url: str, person: Person) -> None:
        """Make a client of one instance, which tries once."""
        self.url = url
        self._person = person
        self._client = Client(url, timeout_s=TIMEOUT_S, patience_s=0.0)

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
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
        """End the connections."""
        self._client.close()

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
            return do(self._api())
        except RequestFailed as failure:
            if not failure.is_about_the_token or not person.renew(self.url):
                raise
        return do(self._api())

    def _api(self) -> ApiClient:
        """Return the client's requests, with the newest token."""
        return self._client.use_token(self._person.username, self._person.token).api
