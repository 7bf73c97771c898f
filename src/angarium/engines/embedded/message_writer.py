"""Writes of the worker, within a transaction that others share."""

import sqlite3
from collections.abc import Sequence
from typing import cast
from uuid import UUID

from angarium.domain.message import Message
from angarium.engines.embedded import bulk_sql
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome

_KNOWN = bulk_sql.select_as_json(
    "conversation_id, message_id, timestamp, seq, sender_id",
    "({values}) AS wanted CROSS JOIN message_index"
    " ON conversation_id = wanted.column1 AND message_id = wanted.column2",
)
_ADD = (
    "INSERT INTO messages"
    " (conversation_id, timestamp, seq, message_id, sender_id, recipient_id, content, status) "
    "{values}"
)
_ADD_TO_INDEX = (
    "INSERT INTO message_index (conversation_id, message_id, timestamp, seq, sender_id) {values}"
)
_CURRENT = bulk_sql.select_as_json(
    "messages.conversation_id, messages.message_id, messages.timestamp, messages.seq, "
    "recipient_id, delivered_at IS NOT NULL",
    "({values}) AS wanted"
    " CROSS JOIN message_index"
    " ON message_index.conversation_id = wanted.column1 AND message_index.message_id = "
    "wanted.column2"
    " CROSS JOIN messages"
    " ON messages.conversation_id = message_index.conversation_id"
    " AND messages.timestamp = message_index.timestamp AND messages.seq = message_index.seq"
    " AND messages.message_id = message_index.message_id",
)
_DELIVER = (
    "WITH confirmed (conversation_id, timestamp, seq, message_id, delivered_at) AS ({values})"
    " UPDATE messages SET status = 'DELIVERED', delivered_at = confirmed.delivered_at"
    " FROM confirmed"
    " WHERE messages.conversation_id = confirmed.conversation_id"
    " AND messages.timestamp = confirmed.timestamp AND messages.seq = confirmed.seq"
    " AND messages.message_id = confirmed.message_id"
)

Recording = tuple[UUID, Sequence[Message]]
Receipts = tuple[UUID, Sequence[Receipt]]

_Key = tuple[str, str]
"""A conversation's id and a message's."""

_Winner = tuple[int, int, str]
"""Time, offset and sender of the record that has a message id."""

_Current = tuple[int, int, str, bool]
"""Time, offset and recipient of a message, and whether it is DELIVERED.
"""


def record(
    connection: sqlite3.Connection, recordings: Sequence[Recording]
) -> Sequence[tuple[StoreOutcome, ...]]:
    """Store messages, each id once (docs/adr/0003).

    Args:
        connection: In a transaction.
        recordings: Conversations with their messages, in the order of
            their positions.

    Returns:
        For each conversation, what became of each message.
    """
    batch = _Recording(connection, recordings)
    outcomes = [tuple(batch.add(message) for message in messages) for _, messages in recordings]
    batch.write(connection)
    return outcomes


def mark_delivered(
    connection: sqlite3.Connection, confirmed: Sequence[Receipts]
) -> Sequence[tuple[ReceiptOutcome, ...]]:
    """Raise messages to DELIVERED; the first receipt of each counts.

    Args:
        connection: In a transaction.
        confirmed: Conversations with their receipts, in the order of
            their records.

    Returns:
        For each conversation, what became of each receipt.
    """
    current = _read_current(
        connection,
        [
            (str(each), str(receipt.message_id))
            for each, receipts in confirmed
            for receipt in receipts
        ],
    )
    delivered: list[bulk_sql.Row] = []
    outcomes = [
        tuple(_mark(current, delivered, str(conversation_id), receipt) for receipt in receipts)
        for conversation_id, receipts in confirmed
    ]
    bulk_sql.execute(connection, _DELIVER, delivered)
    return outcomes


class _Recording:
    """The rows of one `record`; ids within it are unique too."""

    def __init__(self, connection: sqlite3.Connection, recordings: Sequence[Recording]) -> None:
        """Look up which of the ids are stored already."""
        self._texts = _Texts()
        self._messages: list[bulk_sql.Row] = []
        self._index: list[bulk_sql.Row] = []
        keys = [
            (self._texts[each], str(m.message_id))
            for each, messages in recordings
            for m in messages
        ]
        self._keys = iter(keys)
        self._winners: dict[_Key, _Winner] = {}
        for text in bulk_sql.select(connection, _KNOWN, keys):
            for conversation_id, message_id, *winner in bulk_sql.parse(text):
                self._winners[cast("_Key", (conversation_id, message_id))] = cast(
                    "_Winner", tuple(winner)
                )

    def add(self, message: Message) -> StoreOutcome:
        """Take the next message, and deduplicate it by its id.

        Args:
            message: The next one of `recordings`, in that order.

        Returns:
            What becomes of it, once `write` is committed.
        """
        key = next(self._keys)
        timestamp, offset = message.position.timestamp, message.position.offset
        sender = self._texts[message.sender_id]
        winner = self._winners.get(key)
        if winner is not None:
            return _repetition(winner, (timestamp, offset, sender))
        self._winners[key] = (timestamp, offset, sender)
        position = (key[0], timestamp, offset, key[1])
        recipient = self._texts[message.recipient_id]
        self._messages.append(
            (*position, sender, recipient, message.content, message.status.value)
        )
        self._index.append((key[0], key[1], timestamp, offset, sender))
        return StoreOutcome.STORED

    def write(self, connection: sqlite3.Connection) -> None:
        """Insert the new messages and their index."""
        bulk_sql.execute(connection, _ADD, self._messages)
        bulk_sql.execute(connection, _ADD_TO_INDEX, self._index)


def _repetition(winner: _Winner, candidate: _Winner) -> StoreOutcome:
    """Compare a record with the one that has its message id."""
    if winner[:2] == candidate[:2]:
        return StoreOutcome.REPLAYED
    return StoreOutcome.DUPLICATE if winner[2] == candidate[2] else StoreOutcome.CONFLICT


def _read_current(connection: sqlite3.Connection, keys: Sequence[_Key]) -> dict[_Key, _Current]:
    """Read what receipts are compared with, by message."""
    return {
        cast("_Key", (conversation_id, message_id)): cast("_Current", tuple(current))
        for text in bulk_sql.select(connection, _CURRENT, keys)
        for conversation_id, message_id, *current in bulk_sql.parse(text)
    }


def _mark(
    current: dict[_Key, _Current],
    delivered: list[bulk_sql.Row],
    conversation_id: str,
    receipt: Receipt,
) -> ReceiptOutcome:
    """Judge one receipt; add a row to `delivered` if it counts."""
    key = (conversation_id, str(receipt.message_id))
    if key not in current:
        return ReceiptOutcome.UNKNOWN
    timestamp, offset, recipient_id, is_delivered = current[key]
    if recipient_id != str(receipt.recipient_id):
        return ReceiptOutcome.NOT_RECIPIENT
    if is_delivered:
        return ReceiptOutcome.REPEATED
    current[key] = (timestamp, offset, recipient_id, True)
    delivered.append((conversation_id, timestamp, offset, key[1], receipt.delivered_at))
    return ReceiptOutcome.DELIVERED


class _Texts(dict[UUID, str]):
    """Formats each id once: a batch repeats few ids many times."""

    def __missing__(self, identifier: UUID) -> str:
        text = self[identifier] = str(identifier)
        return text
