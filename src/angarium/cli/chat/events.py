"""What the chat's two network threads report to the main thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from angarium.client.bodies import AcceptedMessage, MessageBody, PageBody
from angarium.client.errors import RequestFailed


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line on its way.

    Attributes:
        message_id: Made here, once: every try carries it.
        content: The text.
    """

    message_id: str
    content: str

    @classmethod
    def of(cls, content: str) -> "OwnLine":
        """Make a line with a new message id.

        Args:
            content: The text.

        Returns:
            The line.
        """
        return cls(str(uuid4()), content)


@dataclass(frozen=True, slots=True)
class Connected:
    """The conversation was found; posted once, before the history."""

    conversation_id: str
    other_id: str


@dataclass(frozen=True, slots=True)
class RequestRepeated:
    """A request of the start or of a login will be repeated."""

    note: str


@dataclass(frozen=True, slots=True)
class LoginNeeded:
    """The server no longer takes the token."""

    refusal: RequestFailed


@dataclass(frozen=True, slots=True)
class PasswordRefused:
    """A password was of no use."""

    reason: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """There is a new token, and requests use it."""


@dataclass(frozen=True, slots=True)
class HistoryLoaded:
    """The latest messages, oldest first; posted once, at the start."""

    messages: tuple[MessageBody, ...]


@dataclass(frozen=True, slots=True)
class MessagesArrived:
    """Messages of both participants stored since, in their order."""

    messages: tuple[MessageBody, ...]


@dataclass(frozen=True, slots=True)
class LineAccepted:
    """The log has a line."""

    line: OwnLine


@dataclass(frozen=True, slots=True)
class LineRejected:
    """The server will never take a line."""

    line: OwnLine
    reason: str


@dataclass(frozen=True, slots=True)
class StatusRaised:
    """Own messages whose status is another than before."""

    messages: tuple[MessageBody, ...]


@dataclass(frozen=True, slots=True)
class ReceiptsAccepted:
    """Some receipts are in the log."""


@dataclass(frozen=True, slots=True)
class ServerLost:
    """Requests began to fail."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerSilent:
    """A request has had no answer for a while, and still waits."""

    url: str


@dataclass(frozen=True, slots=True)
class ServerBack:
    """Requests succeed again."""


@dataclass(frozen=True, slots=True)
class ChatFailed:
    """The chat cannot go on."""

    error: Exception


Event = (
    Connected
    | RequestRepeated
    | LoginNeeded
    | PasswordRefused
    | LoggedIn
    | HistoryLoaded
    | MessagesArrived
    | LineAccepted
    | LineRejected
    | StatusRaised
    | ReceiptsAccepted
    | ServerLost
    | ServerSilent
    | ServerBack
    | ChatFailed
)


Post = Callable[[Event], None]
"""Hands an event to the main thread; used by any thread."""


class ChatClient(Protocol):
    """The part of `ApiClient` that a chat needs.

    Every call tries once and raises RequestFailed.
    """

    def send(self, conversation_id: str, content: str, message_id: str) -> AcceptedMessage:
        """Send a message.

        Args:
            conversation_id: The conversation.
            content: The text.
            message_id: The same at every try.

        Returns:
            What the log has.
        """
        ...

    def history(
        self,
        conversation_id: str,
        limit: int,
        cursor: str | None = None,
        since_timestamp: int | None = None,
    ) -> PageBody:
        """Read a page, oldest message first.

        Args:
            conversation_id: The conversation.
            limit: 1 to 100.
            cursor: From an earlier page; None for the first.
            since_timestamp: Milliseconds since the epoch.

        Returns:
            The page.
        """
        ...

    def confirm(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        """Confirm that messages were delivered.

        Args:
            conversation_id: The conversation.
            message_ids: 1 to 100 of them.
        """
        ...
