"""Rows of the embedded database as they are.

Every page is one read transaction of its own: one that stayed open
would keep the write-ahead log from being checkpointed.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import cast
from uuid import UUID

from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import parse_uuid
from angarium.domain.message import Message, MessagePosition
from angarium.domain.page_size import read_one_page
from angarium.engines.embedded import bulk_sql, message_reader
from angarium.engines.embedded.data_folder import file_size
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.engines.embedded.page_query import PageQuery
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreNode

KEYS_PER_READ = 10_000
"""Keys that one read looks through for an id: some milliseconds."""

_LEAST = -(2**63)
_BEFORE_ALL = (_LEAST, _LEAST, "")
"""A key before every row, even one that somebody has written by hand.
"""

_AFTER_KEY = "conversation_id = ? AND (timestamp, seq, message_id) > (?, ?, ?)"
_IN_ORDER = "ORDER BY timestamp, seq, message_id LIMIT ?"


def _next_ids(table: str) -> str:
    """Write a walk from one conversation of a table to the next.

    `SELECT DISTINCT` would read every row.

    Returns:
        SQL; its parameters are an id and the maximum number.
    """
    return (
        f"SELECT id FROM (WITH RECURSIVE ids(id) AS"  # noqa: S608 - constants of this module
        f" (SELECT (SELECT min(conversation_id) FROM {table} WHERE conversation_id > ?1)"
        f" UNION ALL SELECT (SELECT min(conversation_id) FROM {table} WHERE conversation_id > id)"
        f" FROM ids WHERE id IS NOT NULL LIMIT ?2)"
        f" SELECT id FROM ids WHERE id IS NOT NULL)"
    )


_CONVERSATION_IDS = (
    " UNION ".join(map(_next_ids, ("conversations", "messages", "message_index")))
    + " ORDER BY id LIMIT ?2"
)
_MESSAGES = PageQuery(
    message_reader.COLUMNS,
    f"SELECT * FROM messages WHERE {_AFTER_KEY} {_IN_ORDER}",  # noqa: S608 - constants of this module
    message_reader.decode_messages,
    lambda message: _key_values(MessageKey(message.position, message.message_id)),
)
_INDEX = (
    "SELECT message_id, timestamp, seq, sender_id FROM message_index"
    " WHERE conversation_id = ? AND message_id > ? ORDER BY message_id LIMIT ?"
)
_INDEX_OF = (
    "SELECT message_id, timestamp, seq, sender_id FROM message_index"
    " WHERE conversation_id = ? AND message_id = ?"
)
_AT = bulk_sql.select_as_json(
    message_reader.COLUMNS,
    "messages WHERE conversation_id = ? AND timestamp = ? AND seq = ? AND message_id = ?",
)
_KEYS = f"SELECT timestamp, seq, message_id FROM messages WHERE {_AFTER_KEY} {_IN_ORDER}"  # noqa: S608 - constants of this module

_KeyValues = tuple[int, int, str]


class EmbeddedStoreInspector:
    """Implements `StoreInspector`, beside a running service too."""

    def __init__(self, database: Database) -> None:
        """Read through the connections of one database."""
        self._database = database

    def conversation_ids(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        """Implements `StoreInspector.conversation_ids`, by the text."""
        values = ("" if after is None else str(after), limit)
        found = self._rows(_CONVERSATION_IDS, values)
        return [_identifier(text) for (text,) in cast("list[tuple[str]]", found)]

    def messages(
        self, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        """Implements `StoreInspector.messages`."""
        start = _BEFORE_ALL if after is None else _key_values(after)

        def read(connection: sqlite3.Connection) -> Sequence[Message]:
            """Read one page, in pieces if its texts are long."""
            return read_one_page(_MESSAGES.run(connection, str(conversation_id), start, limit))

        return self._read(conversation_id, read)

    def index(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[IndexRow]:
        """Implements `StoreInspector.index`, by the id's text."""
        values = (str(conversation_id), "" if after is None else str(after), limit)
        return [_index_row(row) for row in self._rows(_INDEX, values)]

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        """Implements `StoreInspector.find`.

        Only a message without a sound index row is looked for in the
        whole conversation.

        Returns:
            As the port says.
        """
        found = self._rows(_INDEX_OF, (str(conversation_id), str(message_id)))
        indexed = _index_row(found[0]) if found else None
        if indexed is not None:
            key = _key_values(MessageKey(indexed.position, message_id))
            messages = self._messages_at(conversation_id, [key])
            if messages:
                return indexed, messages
        return indexed, self._messages_at(
            conversation_id, self._search(conversation_id, message_id)
        )

    def log_starts(self) -> Mapping[int, Position]:
        """Implements `StoreInspector.log_starts`."""
        return self._database.read(read_log_starts)

    def replicas(self, conversation_id: UUID) -> Sequence[str]:  # noqa: ARG002 - as the port has it
        """Implements `StoreInspector.replicas`: there are no nodes."""
        return ()

    def nodes(self) -> Sequence[StoreNode]:
        """Implements `StoreInspector.nodes`: there are no nodes."""
        return ()

    def size_bytes(self) -> int | None:
        """Implements `StoreInspector.size_bytes`."""
        path = self._database.path
        return file_size(path) + file_size(path.with_name(f"{path.name}-wal"))

    def _messages_at(self, conversation_id: UUID, keys: Sequence[_KeyValues]) -> Sequence[Message]:
        """Read the messages with some keys, a page of them at most."""

        def read(connection: sqlite3.Connection) -> Sequence[Message]:
            """Look the keys up one by one: there are very few."""
            return read_one_page(
                message
                for key in keys
                for message in message_reader.decode_messages(
                    bulk_sql.read(connection, _AT, (str(conversation_id), *key))
                )
            )

        return self._read(conversation_id, read)

    def _search(self, conversation_id: UUID, message_id: UUID) -> Sequence[_KeyValues]:
        """Walk the keys of a conversation for one id."""
        wanted, after = str(message_id), _BEFORE_ALL
        found: list[_KeyValues] = []
        while True:
            rows = self._rows(_KEYS, (str(conversation_id), *after, KEYS_PER_READ))
            keys = cast("list[_KeyValues]", rows)
            found += [key for key in keys if key[2] == wanted]
            if not keys:
                return found
            after = keys[-1]

    def _rows(self, query: str, values: Sequence[bulk_sql.Value]) -> list[bulk_sql.Row]:
        """Read all rows of a small query."""
        return self._database.read(lambda connection: connection.execute(query, values).fetchall())

    def _read(
        self, conversation_id: UUID, query: Callable[[sqlite3.Connection], Sequence[Message]]
    ) -> Sequence[Message]:
        """Read messages, or say which conversation has a wrong id."""
        try:
            return self._database.read(query)
        except ValueError as error:
            raise StoreUnavailable(
                f"a message row of conversation {conversation_id} has a text where an id must "
                f"be: {error}"
            ) from error


def _identifier(text: str) -> UUID:
    """Decode an id, or say that a row has none."""
    identifier = parse_uuid(text)
    if identifier is None or str(identifier) != text:
        raise StoreUnavailable(f"a row has {text!r} where an id in lower case must be")
    return identifier


def _index_row(row: bulk_sql.Row) -> IndexRow:
    """Decode a row of the index."""
    message_id, timestamp, seq, sender_id = cast("tuple[str, int, int, str]", row)
    position = MessagePosition(timestamp, seq)
    return IndexRow(_identifier(message_id), position, _identifier(sender_id))


def _key_values(key: MessageKey) -> _KeyValues:
    """Return a key as the SQL compares it."""
    return key.position.timestamp, key.position.offset, str(key.message_id)
