"""Rows that somebody changes by hand, behind every port's back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Protocol
from uuid import UUID

from angarium.domain.message import Message
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.embedded.database import FILE_NAME
from angarium.ports.store_inspection import IndexRow


class Damage(Protocol):
    """Writes and deletes single rows of a store."""

    def put_message(self, message: Message) -> None:
        """Write a message row as it is, over one with its key."""
        ...

    def delete_message(self, message: Message) -> None:
        """Delete the message row with this one's key, nothing else."""
        ...

    def put_index(self, conversation_id: UUID, row: IndexRow) -> None:
        """Write an index row as it is, over one with its id."""
        ...

    def delete_index(self, conversation_id: UUID, message_id: UUID) -> None:
        """Delete an index row, nothing else."""
        ...


class EmbeddedDamage:
    """Changes a file as the sqlite3 shell does."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def put_message(self, message: Message) -> None:
        self._execute(
            "INSERT OR REPLACE INTO messages (conversation_id, timestamp, seq, message_id,"
            " sender_id, recipient_id, content, status, delivered_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            str(message.conversation_id),
            message.position.timestamp,
            message.position.offset,
            str(message.message_id),
            str(message.sender_id),
            str(message.recipient_id),
            message.content,
            message.status.value,
            message.delivered_at,
        )

    def delete_message(self, message: Message) -> None:
        self._execute(
            "DELETE FROM messages WHERE (conversation_id, timestamp, seq, message_id)"
            " = (?, ?, ?, ?)",
            str(message.conversation_id),
            message.position.timestamp,
            message.position.offset,
            str(message.message_id),
        )

    def put_index(self, conversation_id: UUID, row: IndexRow) -> None:
        self._execute(
            "INSERT OR REPLACE INTO message_index VALUES (?, ?, ?, ?, ?)",
            str(conversation_id),
            str(row.message_id),
            row.position.timestamp,
            row.position.offset,
            str(row.sender_id),
        )

    def delete_index(self, conversation_id: UUID, message_id: UUID) -> None:
        self._execute(
            "DELETE FROM message_index WHERE (conversation_id, message_id) = (?, ?)",
            str(conversation_id),
            str(message_id),
        )

    def _execute(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            assert connection.execute(statement, values).rowcount == 1


class CassandraDamage:
    """Changes a keyspace as cqlsh does."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def put_message(self, message: Message) -> None:
        self.execute(
            "INSERT INTO messages (conversation_id, timestamp, seq, message_id, sender_id,"
            " recipient_id, content, status, delivered_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            message.conversation_id,
            message.position.timestamp,
            message.position.offset,
            message.message_id,
            message.sender_id,
            message.recipient_id,
            message.content,
            message.status.value,
            message.delivered_at,
        )

    def delete_message(self, message: Message) -> None:
        self.execute(
            "DELETE FROM messages"
            " WHERE conversation_id = %s AND timestamp = %s AND seq = %s AND message_id = %s",
            message.conversation_id,
            message.position.timestamp,
            message.position.offset,
            message.message_id,
        )

    def put_index(self, conversation_id: UUID, row: IndexRow) -> None:
        self.execute(
            "INSERT INTO message_index (conversation_id, message_id, timestamp, seq, sender_id)"
            " VALUES (%s, %s, %s, %s, %s)",
            conversation_id,
            row.message_id,
            row.position.timestamp,
            row.position.offset,
            row.sender_id,
        )

    def delete_index(self, conversation_id: UUID, message_id: UUID) -> None:
        self.execute(
            "DELETE FROM message_index WHERE conversation_id = %s AND message_id = %s",
            conversation_id,
            message_id,
        )

    def execute(self, statement: str, *values: object) -> None:
        """Execute a statement on a table of the session's keyspace."""
        for table in ("messages", "message_index", "log_starts"):
            statement = statement.replace(f" {table} ", f" {self._session._keyspace}.{table} ")
        self._session._connector.require().session.execute(statement, values)
