"""Reading the store as it is, row by row, beside a running service.

`trace`, `status`, `audit` and `export` read through it. Unlike a
`MessageReader` it hides nothing: rows without their counterpart are
what an audit looks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from angarium.domain.message import Message, MessagePosition
from angarium.ports.message_log import Position

NO_ID = UUID(int=0)
"""Instead of an id that a damaged row lacks; nobody has it."""


class IndexRow(NamedTuple):
    """A row of the message index.

    Attributes:
        message_id: The id that it makes unique.
        position: Where the message was stored first.
        sender_id: Who sent it.
    """

    message_id: UUID
    position: MessagePosition
    sender_id: UUID


class MessageKey(NamedTuple):
    """The key of a message row: rows sort by it.

    Attributes:
        position: Its position.
        message_id: Breaks the tie of two rows at one position, which
            no worker writes.
    """

    position: MessagePosition
    message_id: UUID


@dataclass(frozen=True, slots=True)
class StoreNode:
    """One node of the store.

    Attributes:
        address: Its IP address.
        is_up: Whether it answers, as the cluster says.
    """

    address: str
    is_up: bool


class StoreInspector(Protocol):
    """Reads rows as they are stored, with the consistency of readers.

    Blocks within the deadline in force; used by one thread. Every
    method raises StoreUnavailable when the store does not answer in
    time. Pages are small enough to be held at once: of texts they end
    with the one that makes more than one page
    (`domain.page_size.read_one_page`). Only a page of messages may be
    shorter than its limit before the end.

    A value that no writer writes, such as a column that is missing,
    comes as one that no writer writes: `NO_ID`, an empty text, the
    position `BEGINNING`, and PENDING for a status.
    """

    def conversation_ids(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        """List every conversation that has a row of any kind.

        Conversations that come while it is walked may be missing.

        Args:
            after: The last id of the page before; None begins.
            limit: The maximum number of ids.

        Returns:
            Each once, in an order of the store's own that stays the
            same; empty at the end.
        """
        ...

    def messages(
        self, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        """Read message rows of a conversation.

        Args:
            conversation_id: Of which conversation.
            after: The key of the last row of the page before; None
                begins with the oldest.
            limit: The maximum number of rows.

        Returns:
            Ascending by position, rows at one position in an order of
            the store's own; empty at the end.
        """
        ...

    def index(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[IndexRow]:
        """Read index rows of a conversation.

        Args:
            conversation_id: Of which conversation.
            after: The last id of the page before; None begins.
            limit: The maximum number of rows.

        Returns:
            In an order of the store's own that stays the same; empty at
            the end.
        """
        ...

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        """Look up one message, with all that is stored under its id.

        Args:
            conversation_id: Of which conversation.
            message_id: The message.

        Returns:
            Its index row, None without one; and its message rows, more
            than one only in a damaged store. Rows at another position
            than the index row's may be left out when there is an index
            row with its message.
        """
        ...

    def log_starts(self) -> Mapping[int, Position]:
        """Return where the log begins to explain the store.

        Messages that were imported have positions before it, and so
        have those whose records the embedded log's retention took.

        Returns:
            By partition, the first offset of the log that explains
            rows, and the watermark before it: rows with a smaller
            timestamp are from before. A partition that is not in it
            begins with its first record ever.
        """
        ...

    def replicas(self, conversation_id: UUID) -> Sequence[str]:
        """Return the addresses of the nodes that keep a conversation.

        Args:
            conversation_id: Which conversation.

        Returns:
            Sorted; empty on an engine without nodes.
        """
        ...

    def nodes(self) -> Sequence[StoreNode]:
        """Return the nodes of the store.

        Returns:
            By address; empty on an engine without nodes.
        """
        ...

    def size_bytes(self) -> int | None:
        """Return the size of the store's file.

        Returns:
            Bytes, its write-ahead log included; None on an engine
            whose nodes keep their own.
        """
        ...
