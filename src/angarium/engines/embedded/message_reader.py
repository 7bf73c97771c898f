"""Queries for messages: each page is one range of one index."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from angarium.domain.message import InboxPosition, Message, MessagePosition, Status
from angarium.domain.page_size import read_one_page
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.page_query import PageQuery
from angarium.ports.messages import PENDING_COUNT_LIMIT, Summary

COLUMNS = (
    "timestamp, conversation_id, seq, message_id, sender_id, recipient_id, content, status, "
    "delivered_at"
)
"""In this order `decode_messages` takes them."""

_BY_ID = (
    "json_each(?) AS wanted"
    " CROSS JOIN message_index"
    " ON message_index.conversation_id = ? AND message_index.message_id = wanted.value"
    " CROSS JOIN messages"
    " ON messages.conversation_id = message_index.conversation_id"
    " AND messages.timestamp = message_index.timestamp AND messages.seq = message_index.seq"
    " AND messages.message_id = message_index.message_id"
)
_FIND = bulk_sql.select_as_json(
    ", ".join(f"messages.{name}" for name in COLUMNS.split(", ")),
    _BY_ID,
)
_RECIPIENTS = bulk_sql.select_as_json(
    "messages.message_id, messages.recipient_id",
    _BY_ID,
)
_PENDING_COUNTS = bulk_sql.select_as_json(
    "wanted.value, (SELECT count(*) FROM (SELECT 1 FROM messages"
    " INDEXED BY messages_undelivered_by_conversation"
    " WHERE conversation_id = wanted.value AND recipient_id = ? AND delivered_at IS NULL LIMIT "
    "?))",
    "json_each(?) AS wanted",
)
_LAST_MESSAGES = bulk_sql.select_as_json(
    ", ".join(f"messages.{name}" for name in COLUMNS.split(", ")),
    "json_each(?) AS wanted"
    " CROSS JOIN messages ON (messages.conversation_id, messages.timestamp, messages.seq) ="
    " (SELECT conversation_id, timestamp, seq FROM messages WHERE conversation_id = wanted.value"
    " ORDER BY timestamp DESC, seq DESC LIMIT 1)",
)
_NEWEST = (2**63 - 1, 2**63 - 1)
_OLDEST_IN_INBOX = (-1, "", -1)

_Row = tuple[int, str, int, str, str, str, str, str, int | None]


def older(
    connection: sqlite3.Connection, conversation_id: UUID, than: MessagePosition | None, limit: int
) -> Sequence[Message]:
    """Read a page for `MessageReader.older`."""
    start = _NEWEST if than is None else _position(than)
    return read_one_page(_OLDER.run(connection, str(conversation_id), start, limit))


def newer(
    connection: sqlite3.Connection, conversation_id: UUID, than: MessagePosition, limit: int
) -> Sequence[Message]:
    """Read a page for `MessageReader.newer`."""
    return read_one_page(_NEWER.run(connection, str(conversation_id), _position(than), limit))


def find(
    connection: sqlite3.Connection, conversation_id: UUID, message_ids: Sequence[UUID]
) -> Mapping[UUID, Message]:
    """Look messages up for `MessageReader.find`, by the id's index."""
    wanted = bulk_sql.as_json(map(str, message_ids))
    found = decode_messages(bulk_sql.read(connection, _FIND, (wanted, str(conversation_id))))
    return {message.message_id: message for message in found}


def recipients(
    connection: sqlite3.Connection, conversation_id: UUID, message_ids: Sequence[UUID]
) -> Mapping[UUID, UUID]:
    """Look ids up for `MessageReader.recipients`, without texts."""
    wanted = bulk_sql.as_json(map(str, message_ids))
    found = cast(
        "list[tuple[str, str]]",
        bulk_sql.read(connection, _RECIPIENTS, (wanted, str(conversation_id))),
    )
    ids = _Ids()
    return {ids[message_id]: ids[recipient_id] for message_id, recipient_id in found}


def inbox(
    connection: sqlite3.Connection, recipient_id: UUID, after: InboxPosition | None, limit: int
) -> Sequence[Message]:
    """Read a page for `MessageReader.inbox`: a partial index.

    The index has only messages that are not delivered, so an inbox
    needs no queue of its own (docs/adr/0020).

    Returns:
        Messages as the port says.
    """
    start = _OLDEST_IN_INBOX if after is None else _inbox_position(after)
    return read_one_page(_INBOX.run(connection, str(recipient_id), start, limit))


def summaries(
    connection: sqlite3.Connection, user_id: UUID, conversation_ids: Sequence[UUID]
) -> Mapping[UUID, Summary]:
    """Read summaries for `MessageReader.summaries`, two queries."""
    wanted = bulk_sql.as_json(map(str, conversation_ids))
    newest = {
        message.conversation_id: message
        for message in decode_messages(bulk_sql.read(connection, _LAST_MESSAGES, (wanted,)))
    }
    counted = bulk_sql.read(
        connection, _PENDING_COUNTS, (str(user_id), PENDING_COUNT_LIMIT, wanted)
    )
    pending = dict(cast("list[tuple[str, int]]", counted))
    return {each: Summary(newest.get(each), pending[str(each)]) for each in conversation_ids}


def decode_messages(found: list[list[bulk_sql.Value]]) -> list[Message]:
    """Decode and sort messages, the oldest first.

    The columns begin with the inbox's order, which within one
    conversation is its order as well.

    Args:
        found: Rows of COLUMNS.

    Returns:
        The messages.
    """
    ordered = cast("list[_Row]", sorted(found))
    ids = _Ids()
    return [
        Message(
            UUID(message_id),
            ids[conversation_id],
            ids[sender_id],
            ids[recipient_id],
            content,
            MessagePosition(timestamp, seq),
            Status(status),
            delivered_at,
        )
        for (
            timestamp,
            conversation_id,
            seq,
            message_id,
            sender_id,
            recipient_id,
            content,
            status,
            delivered_at,
        ) in ordered
    ]


class _Ids(dict[str, UUID]):
    """Parses each id once: a page repeats few ids many times."""

    def __missing__(self, text: str) -> UUID:
        identifier = self[text] = UUID(text)
        return identifier


def _position(position: MessagePosition) -> tuple[int, int]:
    """Return a position in a conversation as the SQL compares it."""
    return position.timestamp, position.offset


def _inbox_position(position: InboxPosition) -> tuple[int, str, int]:
    """Return a position in an inbox as the SQL compares it."""
    return position.timestamp, str(position.conversation_id), position.offset


def _newest_first(found: list[list[bulk_sql.Value]]) -> list[Message]:
    """Decode and sort messages, the newest first."""
    return decode_messages(found)[::-1]


_OLDER = PageQuery(
    COLUMNS,
    "SELECT * FROM messages WHERE conversation_id = ? AND (timestamp, seq) < (?, ?)"
    " ORDER BY timestamp DESC, seq DESC LIMIT ?",
    _newest_first,
    lambda message: _position(message.position),
)
_NEWER = PageQuery(
    COLUMNS,
    "SELECT * FROM messages WHERE conversation_id = ? AND (timestamp, seq) > (?, ?)"
    " ORDER BY timestamp, seq LIMIT ?",
    decode_messages,
    lambda message: _position(message.position),
)
_INBOX = PageQuery(
    COLUMNS,
    "SELECT * FROM messages INDEXED BY messages_undelivered_by_recipient"
    " WHERE recipient_id = ? AND delivered_at IS NULL"
    " AND (timestamp, conversation_id, seq) > (?, ?, ?)"
    " ORDER BY timestamp, conversation_id, seq LIMIT ?",
    decode_messages,
    lambda message: (
        message.position.timestamp,
        str(message.conversation_id),
        message.position.offset,
    ),
)
