"""A client of people and their messages, for programs.

It is made of single requests (`ApiClient`). What it adds: people are
named by their usernames, pages become single messages, and new messages
are followed as they come (docs/client.md,
docs/adr/0028-python-client.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from angarium.client.api_client import TIMEOUT_S, ApiClient, Caller, RetryHook
from angarium.client.bodies import AcceptedMessage, PageBody, TokenBody
from angarium.client.follow import Follow, FollowPages
from angarium.client.message import Message, name_sender
from angarium.client.people import People

DEFAULT_URL = "http://127.0.0.1:8080"

PATIENCE_S = 60.0
"""Seconds over which a request that may succeed later is repeated.

A restart of the service, or of the store behind it, takes less.
"""

PAGE = 100
"""Messages of a page, and of one receipt: the most that the API takes.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MIN_SINCE = 10**11
"""The API takes smaller moments, of before 1973, for seconds."""


class Client:
    """Talks to a service as one of its users; used by any thread.

    Every method repeats a request that may succeed later, a send with
    the same message id, until the patience is over. So each returns, or
    raises `RequestFailed`, within the patience and one timeout for each
    request that it makes; only a `Follow` waits for longer, for the
    next message.

    Attributes:
        api: The single requests, for programs that keep conversation
            ids and cursors themselves.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        on_retry: RetryHook | None = None,
    ) -> None:
        """Name the server; nothing is connected yet.

        Args:
            url: The server's address.
            timeout_s: Seconds for one request.
            patience_s: Seconds over which a request is repeated; 0
                tries once.
            on_retry: Called before each wait, with the failure and the
                seconds until giving up, by the thread that waits.

        Raises:
            ValueError: This is not the address of a server.
        """
        _require_address(url)
        self.api = ApiClient.at(url.rstrip("/"), None, patience_s, timeout_s, on_retry)
        self._token: TokenBody | None = None
        self._people = People(self.api)

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    @property
    def url(self) -> str:
        """The server's address."""
        return self.api.url

    @property
    def username(self) -> str:
        """Who is logged in; empty before the login."""
        caller = self.api.caller
        return "" if caller is None else caller.username

    @property
    def token(self) -> TokenBody | None:
        """What the last `login` got; None before."""
        return self._token

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        self.api.close()

    def login(self, username: str, password: str) -> Self:
        """Log in, or log in again once the token has expired.

        Args:
            username: The name.
            password: The password; it is not kept.

        Returns:
            The client itself.

        Raises:
            RequestFailed: The code is `invalid_credentials` where name
                or password is wrong.
        """
        self._token = token = self.api.log_in(username, password)
        return self.use_token(username, token.access_token)

    def use_token(self, username: str, token: str) -> Self:
        """Use a token that an earlier `login` got.

        Args:
            username: Whose it is.
            token: The bearer token.

        Returns:
            The client itself.
        """
        self.api.caller = Caller(username, token)
        return self

    def send(self, to: str, text: str, message_id: str | UUID | None = None) -> AcceptedMessage:
        """Send a message; return once the log has it durably.

        A failed request is repeated with the same message id, so the
        message is there once, however many times it was sent.

        Args:
            to: The recipient's username.
            text: 1 to 10,240 bytes of UTF-8, not only white space.
            message_id: The message's own id. To go on after an error,
                pass the id that was used before; a new one by default.

        Returns:
            The id, and where in the log the message is.

        Raises:
            RequestFailed: The message was refused; or, if `retryable`,
                there was no answer: the log may have it.
        """
        conversation_id = self.conversation_id(to)
        return self.api.send(conversation_id, text, str(message_id or uuid4()))

    def history(
        self, with_: str, *, limit: int | None = None, since: datetime | None = None
    ) -> Iterator[Message]:
        """Read a conversation, oldest message first.

        Args:
            with_: The other participant's username.
            limit: At most this many, the newest.
            since: Only from this moment on. One without a time zone is
                in local time.

        Yields:
            The messages; pages are read as they are needed.

        Raises:
            RequestFailed: There is no such user, or no answer.
            ValueError: Both `limit` and `since` are given.
        """
        for page in self.history_pages(with_, limit=limit, since=since):
            yield from self.messages_of(page, with_)

    def history_pages(
        self, with_: str, *, limit: int | None = None, since: datetime | None = None
    ) -> Iterator[PageBody]:
        """Read a conversation as `history` does, as the API's pages.

        Args:
            with_: As of `history`.
            limit: As of `history`.
            since: As of `history`.

        Yields:
            One page or more; the last one may be empty.

        Raises:
            RequestFailed: As `history`.
            ValueError: As `history`.
        """
        if limit is not None and since is not None:
            raise ValueError("give limit or since, not both")
        conversation_id = self.conversation_id(with_)
        if limit is not None:
            yield from self._newest(conversation_id, limit)
            return
        page = self.api.history(conversation_id, PAGE, since_timestamp=_milliseconds(since))
        yield page
        while page.next_cursor is not None:
            page = self.api.history(conversation_id, PAGE, page.next_cursor)
            yield page

    def inbox(self, *, limit: int | None = None) -> Iterator[Message]:
        """Read what was not confirmed yet, oldest message first.

        Args:
            limit: At most this many, the oldest.

        Yields:
            The messages; pages are read as they are needed. Messages
            may be confirmed meanwhile.

        Raises:
            RequestFailed: There is no answer.
        """
        for page in self.inbox_pages(limit=limit):
            yield from self.messages_of(page)

    def inbox_pages(self, *, limit: int | None = None) -> Iterator[PageBody]:
        """Read the inbox as `inbox` does, as the API's pages.

        Args:
            limit: As of `inbox`.

        Yields:
            One page or more; the last one may be empty.

        Raises:
            RequestFailed: As `inbox`.
        """
        missing = limit
        cursor: str | None = None
        while missing is None or missing > 0:
            page = self.api.inbox(PAGE if missing is None else min(missing, PAGE), cursor)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            missing = None if missing is None else missing - len(page.messages)

    def confirm(self, messages: Message | Iterable[Message]) -> int:
        """Confirm that messages were delivered to the caller.

        Own messages are skipped, and those that are delivered already:
        there is nothing to confirm.

        Args:
            messages: One or many, of any conversations.

        Returns:
            How many were confirmed.

        Raises:
            RequestFailed: There is no answer. It may be repeated.
        """
        unconfirmed: dict[str, list[str]] = {}
        for message in [messages] if isinstance(messages, Message) else messages:
            if message.sender != self.username and not message.is_delivered:
                unconfirmed.setdefault(message.conversation_id, []).append(message.message_id)
        for conversation_id, ids in unconfirmed.items():
            for start in range(0, len(ids), PAGE):
                self.api.confirm(conversation_id, ids[start : start + PAGE])
        return sum(map(len, unconfirmed.values()))

    def follow(
        self, with_: str, *, cursor: str | None = None, timeout_s: float | None = None
    ) -> Follow:
        """Wait for the messages that come after this call.

        Args:
            with_: The other participant's username. Own messages come
                too.
            cursor: Continue after a page, by its `resume_cursor`.
            timeout_s: End when no message came for so long; None waits
                for ever, until `stop`.

        Returns:
            An iterator that waits for the next message.

        Raises:
            RequestFailed: There is no such user, or no answer.
        """
        pages = self.follow_pages(with_, cursor=cursor, timeout_s=timeout_s)
        return Follow(pages, lambda page: self.messages_of(page, with_))

    def follow_pages(
        self, with_: str, *, cursor: str | None = None, timeout_s: float | None = None
    ) -> FollowPages:
        """Wait for messages as `follow` does, as the API's pages.

        Args:
            with_: As of `follow`.
            cursor: As of `follow`.
            timeout_s: As of `follow`.

        Returns:
            An iterator that waits for the next page with a message.

        Raises:
            RequestFailed: As `follow`.
        """
        conversation_id = self.conversation_id(with_)
        if cursor is None:
            cursor = self.api.history(conversation_id, 1).resume_cursor
        return FollowPages(
            lambda after: self.api.history(conversation_id, PAGE, after), cursor, timeout_s
        )

    def user_id(self, username: str) -> str:
        """Return a user's id; ask for it once.

        Args:
            username: The name.

        Returns:
            The id, which never changes.

        Raises:
            RequestFailed: The code is `user_not_found` where there is
                no such user.
        """
        return self._people.user_id(username)

    def conversation_id(self, with_: str) -> str:
        """Return the conversation with a user; create it if new.

        Args:
            with_: The other participant's username.

        Returns:
            The conversation's id.

        Raises:
            RequestFailed: The code is `user_not_found` where there is
                no such user.
        """
        return self._people.conversation_id(self.username, with_)

    def messages_of(self, page: PageBody, with_: str | None = None) -> Sequence[Message]:
        """Name the senders of a page's messages.

        Args:
            page: Of a conversation, or of the inbox.
            with_: The other participant, if it is of one conversation:
                then nobody need be looked up.

        Returns:
            The messages, in the page's order.

        Raises:
            RequestFailed: There is no answer about a sender.
        """
        if with_ is None:
            return [
                name_sender(body, self._people.username(body.sender_id)) for body in page.messages
            ]
        other_id = self.user_id(with_)
        return [
            name_sender(body, with_ if body.sender_id == other_id else self.username)
            for body in page.messages
        ]

    def _newest(self, conversation_id: str, limit: int) -> Iterator[PageBody]:
        """Read the newest messages and yield them oldest first."""
        # The API walks from the newest to older ones: the pages are put
        # the other way round for the reader.
        pages = [self.api.history(conversation_id, min(limit, PAGE))]
        missing = limit - len(pages[0].messages)
        while missing > 0 and (cursor := pages[-1].next_cursor) is not None:
            pages.append(self.api.history(conversation_id, min(missing, PAGE), cursor))
            missing -= len(pages[-1].messages)
        return reversed(pages)


def _require_address(url: str) -> None:
    """Raise ValueError for what is not a server's address."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"{url!r} is not a server's address; write one such as {DEFAULT_URL}")


def _milliseconds(since: datetime | None) -> int:
    """Turn a moment into the API's, which lists what comes after it."""
    if since is None:
        return 0
    # -(-x // y) rounds up: what has this very moment is listed too.
    milliseconds = -((_EPOCH - since.astimezone(UTC)) // _MILLISECOND) - 1
    return milliseconds if milliseconds >= _MIN_SINCE else 0
