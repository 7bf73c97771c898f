"""Messages that their recipient has not confirmed (docs/adr/0020)."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.message import InboxPosition, Message
from angarium.domain.page_size import first_page
from angarium.ports.messages import MessageReader
from angarium.services import cursors
from angarium.services.store_retry import StoreRetry


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A part of a user's inbox.

    Attributes:
        messages: Oldest first.
        limit: The maximum that the caller asked for.
        has_more: True when newer ones follow.
        next_cursor: Goes on after the last message; None exactly when
            `has_more` is False.
    """

    messages: tuple[Message, ...]
    limit: int
    has_more: bool
    next_cursor: str | None


class Inbox:
    """Lists a user's inbox; blocks on the store; used by any thread."""

    def __init__(self, messages: MessageReader, retry: StoreRetry) -> None:
        """Name the store.

        Args:
            messages: Where messages are kept.
            retry: Repeats calls to it.
        """
        self._messages = messages
        self._retry = retry

    def page(self, user_id: UUID, limit: int, cursor: str | None) -> InboxPage:
        """Read a page.

        Args:
            user_id: The recipient.
            limit: Maximum number of messages, 1 to 100.
            cursor: From an earlier page; None starts with the oldest.

        Returns:
            The page; it has fewer messages where more would exceed
            `domain.page_size`.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        after = cursors.read_inbox(cursor, user_id) if cursor is not None else None
        found = self._retry(lambda: self._messages.inbox(user_id, after, limit + 1))
        shown = tuple(first_page(found, limit))
        has_more = len(found) > len(shown)
        next_cursor = _cursor_after(user_id, shown[-1]) if has_more else None
        return InboxPage(shown, limit, has_more, next_cursor)


def _cursor_after(user_id: UUID, last: Message) -> str:
    """Return the cursor of the page that follows a message."""
    position = InboxPosition(last.position.timestamp, last.conversation_id, last.position.offset)
    return cursors.write_inbox(user_id, position)
