"""The ids of users and conversations, asked for once."""

import threading
from typing import TypeVar

from angarium.client.api_client import ApiClient
from angarium.client.errors import RequestFailed

Key = TypeVar("Key")

MAX_KNOWN = 10_000
"""People whose ids are remembered; beyond that the oldest are looked up
again.
"""


class People:
    """Looks up users and conversations; used by any thread.

    An id never changes, so what was looked up is remembered.
    """

    def __init__(self, api: ApiClient) -> None:
        """Know nobody yet; `api` is asked."""
        self._api = api
        self._lock = threading.Lock()
        self._user_ids: dict[str, str] = {}
        self._usernames: dict[str, str] = {}
        self._conversations: dict[tuple[str, str], str] = {}

    def user_id(self, username: str) -> str:
        """Return a user's id.

        Args:
            username: The name.

        Returns:
            The id.

        Raises:
            RequestFailed: The code is `user_not_found` where there is
                no such user.
        """
        known = self._user_ids.get(username)
        if known is None:
            known = self._api.user_id(username)
            self._remember(self._user_ids, username, known)
            self._remember(self._usernames, known, username)
        return known

    def username(self, user_id: str) -> str:
        """Return a user's name.

        Args:
            user_id: The id.

        Returns:
            The name; the id itself where there is no such user.

        Raises:
            RequestFailed: There is no answer.
        """
        known = self._usernames.get(user_id)
        if known is None:
            try:
                known = self._api.username(user_id)
            except RequestFailed as failure:
                if failure.status != 404:
                    raise
                known = user_id
            self._remember(self._usernames, user_id, known)
        return known

    def conversation_id(self, username: str, with_: str) -> str:
        """Return the conversation of two users; create it if new.

        Args:
            username: Who is logged in.
            with_: The other participant's username.

        Returns:
            The conversation's id.

        Raises:
            RequestFailed: The code is `user_not_found` where there is
                no such user.
        """
        key = (username, with_)
        known = self._conversations.get(key)
        if known is None:
            known = self._api.open_conversation(self.user_id(with_))
            self._remember(self._conversations, key, known)
        return known

    def _remember(self, known: dict[Key, str], key: Key, value: str) -> None:
        """Remember an id or a name; forget the oldest of too many."""
        with self._lock:
            known[key] = value
            while len(known) > MAX_KNOWN:
                del known[next(iter(known))]
