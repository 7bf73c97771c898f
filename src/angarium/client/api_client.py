"""The HTTP API as a client sees it: one method for each request."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

from angarium import backoff
from angarium.client import bodies
from angarium.client.bodies import AcceptedMessage, InvalidBody, PageBody, TokenBody
from angarium.client.connection_pool import ConnectionPool
from angarium.client.errors import ApiProblem, RequestFailed, UnexpectedResponse
from angarium.client.transport import Response, Transport

Read = TypeVar("Read")

TIMEOUT_S = 10.0
"""Seconds for one request; the server answers within 2 s even when
a server that it needs is down.
"""

LOGIN_PATH = "/auth/token"
"""The one path that takes no token."""

RetryHook = Callable[[RequestFailed, float], None]
"""Called before each wait, with why and the seconds until giving up."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The user whose token goes with every request.

    Attributes:
        username: The name.
        token: The bearer token.
    """

    username: str
    token: str = field(repr=False)


class ApiClient:
    """Calls the API; used by as many threads as its transport is.

    Every call may be repeated safely: the reads as such; a login, a
    conversation that is opened twice, a receipt, and a message with the
    same id by the API's own rules. So a request that may succeed later
    is repeated, with backoff, until the patience is over.

    Attributes:
        caller: The user whose token is sent; None before a login.
        has_answered: Whether there was any response yet.
    """

    def __init__(
        self,
        transport: Transport,
        caller: Caller | None = None,
        patience_s: float = 0.0,
        on_retry: RetryHook | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Send requests over a transport.

        Args:
            transport: Of one thread, or a `ConnectionPool`.
            caller: The user whose token to send.
            patience_s: Seconds over which a request is repeated.
            on_retry: Called by the thread that waits.
            monotonic: Returns seconds, as `time.monotonic`.
            sleep: Waits for seconds, as `time.sleep`.
        """
        self.caller = caller
        self.has_answered = False
        self._transport = transport
        self._patience_s = patience_s
        self._on_retry = on_retry
        self._monotonic = monotonic
        self._sleep = sleep

    @property
    def url(self) -> str:
        """The server's address."""
        return self._transport.url

    @classmethod
    def at(
        cls,
        url: str,
        caller: Caller | None = None,
        patience_s: float = 0.0,
        timeout_s: float = TIMEOUT_S,
        on_retry: RetryHook | None = None,
    ) -> Self:
        """Make a client that any thread may use.

        Nothing is connected yet.

        Args:
            url: The server's address.
            caller: The user whose token to send.
            patience_s: Seconds over which a request is repeated.
            timeout_s: Seconds for one request.
            on_retry: Called by a thread before it waits.

        Returns:
            The client.
        """

        def connect() -> Transport:
            """Make a connection."""
            # What never sends a request starts in half the time without
            # http.client and ssl.
            from angarium.client.http_transport import HttpTransport

            return HttpTransport(url, timeout_s)

        return cls(ConnectionPool(url, connect), caller, patience_s, on_retry)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def log_in(self, username: str, password: str) -> TokenBody:
        """Exchange a password for a token.

        Args:
            username: The name.
            password: The password.

        Returns:
            The token.

        Raises:
            RequestFailed: There is none.
        """
        body: Mapping[str, object] = {"username": username, "password": password}
        return self._call("POST", LOGIN_PATH, bodies.token, body)

    def user_id(self, username: str) -> str:
        """Turn a name into the id that other calls want.

        Args:
            username: The name.

        Returns:
            The id.

        Raises:
            RequestFailed: There is no such user, or no response.
        """
        return self._call(
            "GET", f"/v1/users?{urlencode({'username': username})}", _field_reader("user_id")
        )

    def username(self, user_id: str) -> str:
        """Turn an id into the name of its user.

        Args:
            user_id: The id.

        Returns:
            The name.

        Raises:
            RequestFailed: There is no such user, or no response.
        """
        return self._call("GET", f"/v1/users/{quote(user_id, safe='')}", _field_reader("username"))

    def open_conversation(self, user_id: str) -> str:
        """Return the caller's conversation with a user; create it.

        Args:
            user_id: The other participant.

        Returns:
            The conversation's id.

        Raises:
            RequestFailed: There can be none, or there is no answer.
        """
        body: Mapping[str, object] = {"participant_ids": [user_id]}
        return self._call("POST", "/v1/conversations", _field_reader("conversation_id"), body)

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
        """Send a message.

        Args:
            conversation_id: The conversation.
            content: The text.
            message_id: The caller's own id for it: the same id is the
                same message, however often it is sent.

        Returns:
            What the log has.

        Raises:
            RequestFailed: The message was refused; or, with its
                `message_id`, the log may have it.
        """
        body: Mapping[str, object] = {
            "conversation_id": conversation_id,
            "content": content,
            "message_id": message_id,
        }
        try:
            return self._call("POST", "/v1/messages", bodies.accepted, body)
        except RequestFailed as failure:
            # A proxy may have answered for the service.
            if failure.retryable or isinstance(failure, UnexpectedResponse):
                failure.concern(message_id)
            raise

    def history(
        self,
        conversation_id: str,
        limit: int,
        cursor: str | None = None,
        since_timestamp: int | None = None,
    ) -> PageBody:
        """Read a page of a conversation, oldest message first.

        Args:
            conversation_id: The conversation.
            limit: 1 to 100.
            cursor: From an earlier page; None for the first.
            since_timestamp: Milliseconds since the epoch: walk forward
                from there.

        Returns:
            The page.

        Raises:
            RequestFailed: There is none.
        """
        query: dict[str, str | int] = {"limit": limit, "order": "asc"}
        if cursor is not None:
            query["cursor"] = cursor
        elif since_timestamp is not None:
            query["since_timestamp"] = since_timestamp
        path = f"/v1/conversations/{quote(conversation_id, safe='')}/messages?{urlencode(query)}"
        return self._call("GET", path, bodies.page)

    def message(self, conversation_id: str, message_id: str) -> bodies.MessageBody:
        """Read one message.

        Args:
            conversation_id: The conversation.
            message_id: The message.

        Returns:
            The message.

        Raises:
            RequestFailed: The code is `message_not_found` until it is
                stored.
        """
        path = (
            f"/v1/conversations/{quote(conversation_id, safe='')}"
            f"/messages/{quote(message_id, safe='')}"
        )
        return self._call("GET", path, _read_message)

    def inbox(self, limit: int, cursor: str | None = None) -> PageBody:
        """Read a page of the caller's undelivered messages.

        Args:
            limit: 1 to 100.
            cursor: From an earlier page; None for the first.

        Returns:
            The page, oldest message first.

        Raises:
            RequestFailed: There is none.
        """
        query: dict[str, str | int] = {"limit": limit}
        if cursor is not None:
            query["cursor"] = cursor
        return self._call("GET", f"/v1/inbox?{urlencode(query)}", bodies.page)

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        """Confirm that messages were delivered to the caller.

        Args:
            conversation_id: The conversation.
            message_ids: 1 to 100 of them.

        Raises:
            RequestFailed: It was refused, or there was no response.
        """
        body: Mapping[str, object] = {"status": "DELIVERED", "message_ids": list(message_ids)}
        path = f"/v1/conversations/{quote(conversation_id, safe='')}/receipts"
        self._call("POST", path, bodies.parse_body, body)

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[str], Read],
        body: Mapping[str, object] | None = None,
    ) -> Read:
        """Repeat a request until it succeeds or cannot any more."""
        ends_at = self._monotonic() + self._patience_s
        for wait in backoff.delays(0.1, 1.0):
            try:
                return self._once(method, path, read, body)
            except RequestFailed as failure:
                pause = max(wait, failure.retry_after or 0.0)
                left_s = ends_at - self._monotonic()
                if not failure.retryable or pause >= left_s:
                    raise
                if self._on_retry is not None:
                    self._on_retry(failure, left_s)
            self._sleep(pause)
        raise AssertionError("the waits never end")

    def _once(
        self,
        method: str,
        path: str,
        read: Callable[[str], Read],
        body: Mapping[str, object] | None,
    ) -> Read:
        """Make a request and parse what a 2xx response brings."""
        caller = self.caller
        headers = {}
        if caller is not None and path != LOGIN_PATH:
            headers["Authorization"] = f"Bearer {caller.token}"
        response = self._transport.exchange(method, path, body, headers)
        self.has_answered = True
        try:
            if 200 <= response.status < 300:
                return read(response.text)
        except InvalidBody as error:
            raise UnexpectedResponse(self._transport.url, str(error)) from error
        raise _problem(response)


def _problem(response: Response) -> ApiProblem:
    """Read a problem document, or what else came with the status."""
    try:
        fields = bodies.parse_body(response.text)
    except InvalidBody:
        fields = {}
    detail = (
        fields.get("detail")
        or fields.get("title")
        or f"{response.status} {response.reason}".strip()
    )
    return ApiProblem(
        response.status,
        str(fields.get("code") or ""),
        str(detail).rstrip("."),
        str(fields.get("trace_id") or ""),
        _seconds(response.retry_after),
    )


def _seconds(text: str | None) -> float | None:
    """Read `Retry-After`; the API sends seconds, never a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None


def _read_message(text: str) -> bodies.MessageBody:
    """Parse the response of one message."""
    return bodies.message(bodies.parse_body(text))


def _field_reader(name: str) -> Callable[[str], str]:
    """Make a parser that takes one text member out of a response."""

    def read(text: str) -> str:
        """Parse a response and return the member."""
        return bodies.text_of(bodies.parse_body(text), name)

    return read
