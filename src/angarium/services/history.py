"""Reading a conversation back, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from angarium.domain.errors import Code, Refused
from angarium.domain.message import BEGINNING, LAST_OFFSET, Message, MessagePosition
from angarium.domain.page_size import count_fitting, message_bytes
from angarium.ports.messages import MessageReader
from angarium.services import cursors
from angarium.services.cursors import Direction, HistoryCursor
from angarium.services.store_retry import StoreRetry


class Order(StrEnum):
    """How the messages of a page are listed; it never chooses which
    messages they are.
    """

    ASC = "asc"
    DESC = "desc"


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which part of a conversation is wanted.

    Attributes:
        limit: At most so many messages, 1 to 100.
        order: How they are listed.
        since: Milliseconds since the epoch: only messages after this
            moment, the first of them first; None starts with the
            newest. It is passed over when there is a cursor.
        cursor: From an earlier page; None starts anew.
    """

    limit: int = 50
    order: Order = Order.ASC
    since: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a conversation.

    Attributes:
        messages: In the wanted order.
        limit: How many were wanted at most.
        order: As wanted.
        has_more: True when the walk goes on.
        next_cursor: Goes on the same way; None exactly when there is no
            more.
        resume_cursor: Walks forward from the newest message shown.
    """

    messages: tuple[Message, ...]
    limit: int
    order: Order
    has_more: bool
    next_cursor: str | None
    resume_cursor: str


class History:
    """Reads conversations; blocks on the store; used by any thread."""

    def __init__(self, messages: MessageReader, calls: StoreRetry) -> None:
        """Name the store.

        Args:
            messages: Where messages are kept.
            calls: Asks it.
        """
        self._messages = messages
        self._calls = calls

    def page(self, conversation_id: UUID, query: HistoryQuery) -> HistoryPage:
        """Read a page.

        Args:
            conversation_id: Of a conversation that the caller is in.
            query: Which part of it.

        Returns:
            The page, which ends early where it would have too many
            bytes (`domain.page_size`); walking its cursors shows every
            message once, also while new ones arrive.

        Raises:
            Refused: `invalid_cursor`.
            StoreUnavailable: The store did not answer.
        """
        way, start = _start(conversation_id, query)
        found = self._read(conversation_id, way, start, query.limit + 1)
        shown = found[: min(query.limit, count_fitting(map(message_bytes, found)))]
        has_more = len(found) > len(shown)
        oldest_first = tuple(shown) if way is Direction.NEWER else tuple(reversed(shown))
        newest = oldest_first[-1].position if oldest_first else start or BEGINNING
        return HistoryPage(
            oldest_first if query.order is Order.ASC else oldest_first[::-1],
            query.limit,
            query.order,
            has_more,
            _write(conversation_id, way, shown[-1].position) if has_more else None,
            _write(conversation_id, Direction.NEWER, newest),
        )

    def message(self, conversation_id: UUID, message_id: UUID) -> Message:
        """Read one message.

        Args:
            conversation_id: Of a conversation that the caller is in.
            message_id: Which message.

        Returns:
            The message.

        Raises:
            Refused: `message_not_found`, also while it is not stored
                yet.
            StoreUnavailable: The store did not answer.
        """
        found = self._calls(lambda: self._messages.find(conversation_id, [message_id]))
        if message_id not in found:
            raise Refused.because(
                Code.MESSAGE_NOT_FOUND,
                f"There is no message {message_id} in this conversation; "
                "one that was sent just now may take a moment.",
            )
        return found[message_id]

    def _read(
        self, conversation_id: UUID, way: Direction, start: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        if way is Direction.NEWER:
            than = start or BEGINNING
            return self._calls(lambda: self._messages.newer(conversation_id, than, limit))
        return self._calls(lambda: self._messages.older(conversation_id, start, limit))


def _start(conversation_id: UUID, query: HistoryQuery) -> tuple[Direction, MessagePosition | None]:
    if query.cursor is not None:
        cursor = cursors.read_history(query.cursor, conversation_id)
        return cursor.direction, cursor.position
    if query.since is not None:
        # Strictly after the moment: behind every message of that
        # millisecond.
        return Direction.NEWER, MessagePosition(query.since, LAST_OFFSET)
    return Direction.OLDER, None


def _write(conversation_id: UUID, way: Direction, position: MessagePosition) -> str:
    return cursors.write_history(conversation_id, HistoryCursor(way, position))
