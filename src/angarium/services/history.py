"""Reading a conversation back, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from angarium.domain.errors import Code, Refused
from angarium.domain.message import BEGINNING, LAST_OFFSET, Message, MessagePosition
from angarium.domain.page_size import first_page
from angarium.ports.messages import MessageReader
from angarium.services import cursors
from angarium.services.cursors import Direction, HistoryCursor
from angarium.services.store_retry import StoreRetry


class Order(StrEnum):
    """The order within a page; it never decides what is on the page."""

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which part of a conversation to read.

    Attributes:
        limit: Maximum number of messages, 1 to 100.
        order: The order within the page.
        since: Milliseconds since the epoch: only messages after this
            moment, beginning with the oldest of them; None begins with
            the newest. Ignored when there is a cursor.
        cursor: From an earlier page; None begins without one.
    """

    limit: int = 50
    order: Order = Order.ASC
    since: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a conversation.

    Attributes:
        messages: In the order of the query.
        limit: As in the query.
        order: As in the query.
        has_more: True when there are more in the same direction.
        next_cursor: Goes on in the same direction; None exactly when
            `has_more` is False.
        resume_cursor: Goes on from the newest message of the page
            towards the present, for a client that comes back later.
    """

    messages: tuple[Message, ...]
    limit: int
    order: Order
    has_more: bool
    next_cursor: str | None
    resume_cursor: str


class History:
    """Reads conversations; blocks on the store; used by any thread."""

    def __init__(self, messages: MessageReader, retry: StoreRetry) -> None:
        """Name the store.

        Args:
            messages: Where messages are kept.
            retry: Repeats calls to it.
        """
        self._messages = messages
        self._retry = retry

    def page(self, conversation_id: UUID, query: HistoryQuery) -> HistoryPage:
        """Read a page.

        Args:
            conversation_id: Of a conversation that the caller is in.
            query: Which part of it.

        Returns:
            The page; it has fewer messages where more would exceed
            `domain.page_size`. Following the cursors shows every
            message once, also while new ones arrive.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        direction, start = _start(conversation_id, query)
        found = self._read(conversation_id, direction, start, query.limit + 1)
        shown = first_page(found, query.limit)
        has_more = len(found) > len(shown)
        oldest_first = tuple(shown) if direction is Direction.NEWER else tuple(reversed(shown))
        newest = oldest_first[-1].position if oldest_first else start or BEGINNING
        return HistoryPage(
            oldest_first if query.order is Order.ASC else oldest_first[::-1],
            query.limit,
            query.order,
            has_more,
            _cursor(conversation_id, direction, shown[-1].position) if has_more else None,
            _cursor(conversation_id, Direction.NEWER, newest),
        )

    def message(self, conversation_id: UUID, message_id: UUID) -> Message:
        """Read one message.

        Args:
            conversation_id: Of a conversation that the caller is in.
            message_id: The client's or the service's id.

        Returns:
            The message as every reader sees it.

        Raises:
            Refused: `message_not_found`, also while it is not stored
                yet.
            StoreUnavailable: The store did not answer.
        """
        found = self._retry(lambda: self._messages.find(conversation_id, [message_id]))
        if message_id not in found:
            raise Refused.because(
                Code.MESSAGE_NOT_FOUND,
                f"There is no message {message_id} in this conversation; one that was sent just "
                "now may take a moment.",
            )
        return found[message_id]

    def _read(
        self,
        conversation_id: UUID,
        direction: Direction,
        start: MessagePosition | None,
        limit: int,
    ) -> Sequence[Message]:
        """Read up to `limit` messages, nearest to `start` first."""
        if direction is Direction.NEWER:
            than = start or BEGINNING
            return self._retry(lambda: self._messages.newer(conversation_id, than, limit))
        return self._retry(lambda: self._messages.older(conversation_id, start, limit))


def _start(conversation_id: UUID, query: HistoryQuery) -> tuple[Direction, MessagePosition | None]:
    """Return the direction and the position after which a page begins.

    Raises:
        Refused: `invalid_cursor`.
    """
    if query.cursor is not None:
        cursor = cursors.read_history(query.cursor, conversation_id)
        return cursor.direction, cursor.position
    if query.since is not None:
        # Strictly after the moment, so after every message of that
        # millisecond.
        return Direction.NEWER, MessagePosition(query.since, LAST_OFFSET)
    return Direction.OLDER, None


def _cursor(conversation_id: UUID, direction: Direction, position: MessagePosition) -> str:
    """Return a cursor that goes on from a position in a direction."""
    return cursors.write_history(conversation_id, HistoryCursor(direction, position))
