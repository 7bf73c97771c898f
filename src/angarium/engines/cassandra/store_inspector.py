"""Rows on Cassandra as they are, for audits, exports and traces."""

from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby, islice
from typing import cast
from uuid import UUID

from angarium.deadline import within
from angarium.domain.message import Message, MessagePosition
from angarium.domain.page_size import read_one_page
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.session import CALL_S, CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreNode

MAX_TEXTS = 100
"""Rows of one page with texts, about 1 MiB of the largest: what one
reader of a history may take from the budget of texts.
"""

STATES_PER_READ = 1_000
"""Rows without texts of one read, about 100 KB."""

_FIRST_TOKEN = -(2**63)
"""The smallest of the Murmur3 partitioner's tokens."""

_BEFORE_ALL = MessageKey(MessagePosition(-(2**63), -(2**63)), UUID(int=0))
"""A key before every row: BEGINNING is after a row that somebody has
written by hand before the epoch.
"""

_ID_WALKS = (
    Statement.IDS_OF_CONVERSATIONS,
    Statement.IDS_OF_MESSAGES,
    Statement.IDS_OF_INDEX,
)


class CassandraStoreInspector:
    """Implements `StoreInspector` with the consistency of readers.

    Every read of messages begins directly after a row that was read
    before, so it sees a prefix (prefix_reads).
    """

    def __init__(self, session: CassandraSession, topic: str) -> None:
        """Read through one session.

        Args:
            session: Connected to the keyspace.
            topic: The log's; the starts of its partitions are kept
                under its name.
        """
        self._session = session
        self._topic = topic

    def conversation_ids(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Implements `StoreInspector.conversation_ids`.

        Three tables are walked side by side.

        Returns:
            In the order of the partitioner's tokens.
        """
        last = (_FIRST_TOKEN, b"") if after is None else (self._token(after), after.bytes)
        # One more: the row of `after` may be read again.
        values = (last[0], limit + 1)
        with within(CALL_S):
            answers = [self._session.submit(walk, values) for walk in _ID_WALKS]
            found = merge(*(_by_token(self._session.wait(answer)) for answer in answers))
        each_once = (key for key, _ in groupby(found) if key > last)
        return [UUID(bytes=raw) for _, raw in islice(each_once, limit)]

    def messages(
        self, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        """Implements `StoreInspector.messages`."""
        count = min(limit, MAX_TEXTS)
        values = (conversation_id, *_key_values(after or _BEFORE_ALL), count)
        request = (Statement.MESSAGES_AFTER_KEY, values)
        with self._session.reading_texts([request], count) as (answer,):
            return read_one_page(map(row_mapping.any_message, self._session.wait(answer)))

    def index(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[IndexRow]:
        """Implements `StoreInspector.index`."""
        if after is None:
            found = self._session.execute(Statement.INDEX_FROM_BEGINNING, (conversation_id, limit))
        else:
            found = self._session.execute(Statement.INDEX_AFTER, (conversation_id, after, limit))
        return [row_mapping.index_row(row) for row in found]

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        """Implements `StoreInspector.find`.

        A row that an index row names is read only when the newest rows
        reach as far: then it is on a quorum, and all before it
        (message_lookup). Only a message without a sound index row is
        looked for in the whole conversation.

        Returns:
            As the port says.
        """
        found = self._session.execute(Statement.FIND_IN_INDEX, (conversation_id, [message_id]))
        indexed = row_mapping.index_row(found[0]) if found else None
        if indexed is not None and self._is_on_quorum(conversation_id, indexed.position):
            key = MessageKey(indexed.position, message_id)
            messages = self._messages_at(conversation_id, [key])
            if messages:
                return indexed, messages
        return indexed, self._messages_at(
            conversation_id, list(self._search(conversation_id, message_id))
        )

    def log_starts(self) -> Mapping[int, Position]:
        """Implements `StoreInspector.log_starts`, by the topic."""
        found = self._session.execute(Statement.LOG_STARTS, (self._topic,))
        return {
            partition: Position(first_offset, watermark)
            for partition, first_offset, watermark in cast("Sequence[tuple[int, int, int]]", found)
        }

    def replicas(self, conversation_id: UUID) -> Sequence[str]:
        """Implements `StoreInspector.replicas` by the driver's ring."""
        return sorted(self._session.replicas(conversation_id.bytes))

    def nodes(self) -> Sequence[StoreNode]:
        """Implements `StoreInspector.nodes` as the driver knows them.

        Returns:
            Those that the cluster has announced. The driver hears when
            one goes or comes, and notices connections that break.
        """
        return [StoreNode(*each) for each in sorted(self._session.nodes())]

    def size_bytes(self) -> int | None:
        """Implements `StoreInspector.size_bytes`: nodes keep theirs."""
        return None

    def _is_on_quorum(self, conversation_id: UUID, position: MessagePosition) -> bool:
        """Say whether the newest rows reach to a position."""
        values = (conversation_id, ROWS_PER_MUTATION)
        newest = self._session.execute(Statement.STATES_NEWEST, values)
        return bool(newest) and position <= row_mapping.state_position(newest[0])

    def _token(self, conversation_id: UUID) -> int:
        """Return a conversation's token, without asking a node."""
        return self._session.token(conversation_id.bytes)

    def _messages_at(self, conversation_id: UUID, keys: Sequence[MessageKey]) -> Sequence[Message]:
        """Read the messages with some keys, at most a page of them."""
        if not keys:
            return ()
        some = keys[:MAX_TEXTS]
        values = (conversation_id, list(map(_key_values, some)))
        with self._session.reading_texts([(Statement.MESSAGES_AT, values)], len(some)) as (
            answer,
        ):
            return sorted(
                map(row_mapping.any_message, self._session.wait(answer)),
                key=lambda message: message.position,
            )

    def _search(self, conversation_id: UUID, message_id: UUID) -> Iterator[MessageKey]:
        """Walk a conversation without its texts for one id."""
        after = _BEFORE_ALL
        while True:
            values = (conversation_id, *_key_values(after), STATES_PER_READ)
            found = self._session.execute(Statement.STATES_AFTER_KEY, values)
            keys = [_key(row) for row in found]
            yield from (key for key in keys if key.message_id == message_id)
            if not keys:
                return
            after = keys[-1]


def _by_token(rows: Rows) -> Sequence[tuple[int, bytes]]:
    """Return tokens and ids in the order in which nodes have them."""
    return sorted((token, key.bytes) for token, key in cast("Sequence[tuple[int, UUID]]", rows))


def _key(row: Row) -> MessageKey:
    """Take the key of a message from a row of its state."""
    return MessageKey(row_mapping.state_position(row), cast("UUID", row[0]))


def _key_values(key: MessageKey) -> tuple[int, int, UUID]:
    """Return a key as the statements take it."""
    return key.position.timestamp, key.position.offset, key.message_id
