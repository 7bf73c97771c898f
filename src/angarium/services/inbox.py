"""What waits for a user who comes back."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.message import InboxPosition, Message
from angarium.domain.page_size import count_fitting, message_bytes
from angarium.ports.messages import MessageReader
from angarium.services import cursors
from angarium.services.store_retry import StoreRetry


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A part of a user's inbox.

    Attributes:
        messages: Oldest first.
        limit: How many were wanted at most.
        has_more: True when newer ones follow.
        next_cursor: Goes on behind the last message; None exactly when
            there is no more.
    """

    messages: tuple[Message, ...]
    limit: int
    has_more: bool
    next_cursor: str | None


class Inbox:
    """Lists messages that their recipient has not confirmed; blocks on
    the store; used by any thread.
    """

    def __init__(self, messages: MessageReader, calls: StoreRetry) -> None:
        """Name the store.

        Args:
            messages: Where messages are kept.
            calls: Asks it.
        """
        self._messages = messages
        self._calls = calls

    def page(self, user_id: UUID, limit: int, cursor: str | None) -> InboxPage:
        """Read a page.

        Args:
            user_id: The recipient.
            limit: At most so many messages, 1 to 100.
            cursor: From an earlier page; None starts with the oldest.

        Returns:
            The page, which ends early where it would have too many
            bytes.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        after = cursors.read_inbox(cursor, user_id) if cursor is not None else None
        found = self._calls(lambda: self._messages.inbox(user_id, after, limit + 1))
        shown = tuple(found[: min(limit, count_fitting(map(message_bytes, found)))])
        has_more = len(found) > len(shown)
        return InboxPage(shown, limit, has_more, _next(user_id, shown[-1]) if has_more else None)


def _next(user_id: UUID, last: Message) -> str:
    position = InboxPosition(last.position.timestamp, last.conversation_id, last.position.offset)
    return cursors.write_inbox(user_id, position)
