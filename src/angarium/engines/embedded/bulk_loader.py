"""Writing an import into the embedded database.

Rows of up to a thousand lines are one transaction, and 64 of them one
statement. Rows are replaced by equal ones when an import is repeated.
"""

import sqlite3
from collections.abc import Mapping, Sequence

from angarium.domain.conversation import Conversation
from angarium.domain.errors import LogUnavailable
from angarium.domain.identifiers import text_of
from angarium.domain.message import Message
from angarium.domain.user import User
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log_starts import advance_log_starts
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.message_log import Position

_MARKER = "SELECT sha256, lines, is_finished FROM imports"
_CLAIM = (
    "INSERT INTO imports (id, sha256, lines, is_finished) VALUES (1, ?, 0, 0)"
    " ON CONFLICT (id) DO NOTHING"
)
_ADVANCE_MARKER = (
    "UPDATE imports SET lines = ?, is_finished = ? WHERE sha256 = ? AND is_finished = 0"
)
_REOPEN = "UPDATE imports SET lines = 0, is_finished = 0 WHERE sha256 = ?"
_PUT_USERS = "INSERT OR REPLACE INTO users (user_id, username, password_hash, created_at) {values}"
_PUT_CONVERSATIONS = (
    "INSERT OR REPLACE INTO conversations (conversation_id, first_participant_id,"
    " second_participant_id, created_at) {values}"
)
_PUT_LISTED = (
    "INSERT OR REPLACE INTO conversations_by_user (user_id, created_at, conversation_id,"
    " other_participant_id) {values}"
)
_PUT_MESSAGES = (
    "INSERT OR REPLACE INTO messages (conversation_id, timestamp, seq, message_id, sender_id,"
    " recipient_id, content, status, delivered_at) {values}"
)
_PUT_INDEX = (
    "INSERT OR REPLACE INTO message_index (conversation_id, message_id, timestamp, seq,"
    " sender_id) {values}"
)
_COMMIT = (
    "INSERT INTO log_positions (consumer_group, partition, offset, watermark) {values}"
    " ON CONFLICT (consumer_group, partition) DO UPDATE"
    " SET offset = excluded.offset, watermark = excluded.watermark WHERE excluded.offset >= offset"
)

_Statements = Sequence[tuple[str, Sequence[bulk_sql.Row]]]
"""SQL for `bulk_sql.execute`, each with its rows."""


class EmbeddedBulkLoader:
    """Implements `BulkLoader`; inboxes are indexes of the messages."""

    def __init__(self, database: Database) -> None:
        """Register the writes.

        Args:
            database: Of a folder whose lock the caller holds.
        """
        self._database = database
        self._puts = database.register(_put)
        self._claims = database.register(_claim)
        self._advances = database.register(_advance)
        self._starts = database.register(_start)

    def marker(self) -> ImportMarker | None:
        """Implements `BulkLoader.marker`."""
        return self._database.read(_read_marker)

    def claim(self, sha256: str) -> ImportMarker:
        """Implements `BulkLoader.claim`."""
        return self._claims.wait(sha256)

    def advance(self, marker: ImportMarker) -> None:
        """Implements `BulkLoader.advance`."""
        self._advances.wait(marker)

    def reopen(self, sha256: str) -> None:
        """Implements `BulkLoader.reopen`."""
        self._puts.wait([(_REOPEN, [(sha256,)])])

    def put_users(self, users: Sequence[User]) -> None:
        """Implements `BulkLoader.put_users`."""
        rows = [
            (str(user.user_id), user.username, user.password_hash, user.created_at)
            for user in users
        ]
        self._puts.wait([(_PUT_USERS, rows)])

    def put_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Implements `BulkLoader.put_conversations`."""
        rows: list[bulk_sql.Row] = []
        listed: list[bulk_sql.Row] = []
        for each in conversations:
            key, at = text_of(each.conversation_id), each.created_at
            first, second = map(text_of, each.participant_ids)
            rows.append((key, first, second, at))
            listed += [(first, at, key, second), (second, at, key, first)]
        self._puts.wait([(_PUT_CONVERSATIONS, rows), (_PUT_LISTED, listed)])

    def put_messages(self, messages: Sequence[Message]) -> None:
        """Implements `BulkLoader.put_messages`."""
        rows: list[bulk_sql.Row] = []
        index: list[bulk_sql.Row] = []
        for each in messages:
            conversation_id, message_id = text_of(each.conversation_id), str(each.message_id)
            place = each.position.timestamp, each.position.offset
            sender, recipient = text_of(each.sender_id), text_of(each.recipient_id)
            state = each.status.value, each.delivered_at
            rows.append(
                (conversation_id, *place, message_id, sender, recipient, each.content, *state)
            )
            index.append((conversation_id, message_id, *place, sender))
        self._puts.wait([(_PUT_MESSAGES, rows), (_PUT_INDEX, index)])

    def flush(self) -> None:
        """Implements `BulkLoader.flush`: all is durable already."""

    def put_log_starts(self, starts: Mapping[int, Position]) -> None:
        """Implements `BulkLoader.put_log_starts`."""
        self._starts.wait(starts)


class EmbeddedGroupStart:
    """Implements `GroupStart` for one group."""

    def __init__(self, database: Database, group: str) -> None:
        """Register the write.

        Args:
            database: Of a folder whose lock the caller holds: the group
                has no member.
            group: The group's name.
        """
        self._group = group
        self._commits = database.register(_put, LogUnavailable)

    def commit(self, starts: Mapping[int, Position]) -> None:
        """Implements `GroupStart.commit`."""
        rows = [
            (self._group, partition, each.offset, each.watermark)
            for partition, each in starts.items()
        ]
        self._commits.wait([(_COMMIT, rows)])


def read_marker(database: Database) -> ImportMarker | None:
    """Read what a database keeps of an import.

    Args:
        database: Open.

    Returns:
        As `BulkLoader.marker`.

    Raises:
        StoreUnavailable: The database does not answer.
    """
    return database.read(_read_marker)


def _read_marker(connection: sqlite3.Connection) -> ImportMarker | None:
    """Read the marker, if there is one."""
    row: tuple[str, int, int] | None = connection.execute(_MARKER).fetchone()
    return None if row is None else ImportMarker(row[0], row[1], bool(row[2]))


def _put(connection: sqlite3.Connection, jobs: Sequence[_Statements]) -> Sequence[None]:
    """Execute the statements of each job in a transaction."""
    for statements in jobs:
        for sql, rows in statements:
            bulk_sql.execute(connection, sql, rows)
    return [None] * len(jobs)


def _claim(connection: sqlite3.Connection, digests: Sequence[str]) -> Sequence[ImportMarker]:
    """Insert a marker unless there is one; return what is there."""
    markers = []
    for digest in digests:
        connection.execute(_CLAIM, (digest,))
        markers.append(_read_marker(connection) or ImportMarker(digest))
    return markers


def _advance(connection: sqlite3.Connection, markers: Sequence[ImportMarker]) -> Sequence[None]:
    """Update the marker of an export."""
    for each in markers:
        connection.execute(_ADVANCE_MARKER, (each.lines, each.is_finished, each.sha256))
    return [None] * len(markers)


def _start(
    connection: sqlite3.Connection, jobs: Sequence[Mapping[int, Position]]
) -> Sequence[None]:
    """Write the starts of partitions in a transaction."""
    for starts in jobs:
        advance_log_starts(connection, starts)
    return [None] * len(jobs)
