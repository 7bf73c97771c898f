"""Every statement that is sent, prepared when a session connects."""

from enum import Enum
from string import Template

_USER = "SELECT user_id, username, password_hash, toUnixTimestamp(created_at) FROM $keyspace.users"
_CONVERSATION = (
    "SELECT conversation_id, participant_ids, toUnixTimestamp(created_at), claim "
    "FROM $keyspace.conversations WHERE conversation_id = ?"
)
_LISTED = (
    "SELECT toUnixTimestamp(created_at), conversation_id, other_id "
    "FROM $keyspace.conversations_by_user"
)
# Ids that recur from row to row come as bytes: the driver would make a
# new object of each. Texts too: as `str`, one with a single emoji takes
# four times its bytes, and not all that are read fit on the page.
_MESSAGE = (
    "SELECT message_id, uuidAsBlob(conversation_id), uuidAsBlob(sender_id), "
    "uuidAsBlob(recipient_id), "
    "textAsBlob(content), toUnixTimestamp(timestamp), seq, status, toUnixTimestamp(delivered_at) "
    "FROM $keyspace.messages"
)
# Read repair copies only the columns that are read, so every column is
# named: a receipt, too, may have reached one replica, and the others
# must not get its status without its time. No text is transferred
# (docs/how/prefix-reads.md).
_STATE = (
    "SELECT message_id, recipient_id, toUnixTimestamp(timestamp), seq, status, "
    "writetime(sender_id), writetime(content), writetime(delivered_at) FROM $keyspace.messages"
)
_INBOX = (
    "SELECT conversation_id, toUnixTimestamp(newest_timestamp), newest_seq, "
    "toUnixTimestamp(delivered_timestamp), delivered_seq, stretches FROM $keyspace.inboxes"
)
_AT_POSITIONS = "WHERE conversation_id = ? AND (timestamp, seq, message_id) IN ?"
_AFTER = "WHERE conversation_id = ? AND (timestamp, seq) > (?, ?)"
_OLDEST_FIRST = "ORDER BY timestamp ASC, seq ASC, message_id ASC LIMIT ?"
_AFTER_KEY = "WHERE conversation_id = ? AND (timestamp, seq, message_id) > (?, ?, ?)"
_INDEX = (
    "SELECT message_id, toUnixTimestamp(timestamp), seq, sender_id FROM $keyspace.message_index"
)


def _ids_of(table: str) -> str:
    """Write a walk over the partition keys of a table."""
    return (
        "SELECT DISTINCT token(conversation_id), conversation_id "  # noqa: S608 - a constant's name
        f"FROM $keyspace.{table} WHERE token(conversation_id) >= ? LIMIT ?"
    )


class Statement(Enum):
    """The statements by name.

    The value is the CQL, with `$keyspace` before each table.
    """

    USER = f"{_USER} WHERE user_id = ?"
    USERS = _USER
    ADD_USER = (
        "INSERT INTO $keyspace.users (user_id, username, password_hash, created_at) "
        "VALUES (?, ?, ?, ?) IF NOT EXISTS"
    )
    CHANGE_PASSWORD = "UPDATE $keyspace.users SET password_hash = ? WHERE user_id = ? IF EXISTS"  # noqa: S105

    CONVERSATION = _CONVERSATION
    # Cassandra reads the one row of a primary key and may leave it out.
    # So a conversation of others and one that does not exist get the
    # same answer, in the same time.
    CONVERSATION_OF = f"{_CONVERSATION} AND participant_ids CONTAINS ? ALLOW FILTERING"
    ADD_CONVERSATION = (
        "INSERT INTO $keyspace.conversations (conversation_id, type, participant_ids, created_at, "
        "claim) "
        "VALUES (?, 'private', ?, ?, ?) IF NOT EXISTS"
    )
    ADD_CONVERSATION_OF_USER = (
        "INSERT INTO $keyspace.conversations_by_user (user_id, created_at, conversation_id, "
        "other_id) "
        "VALUES (?, ?, ?, ?)"
    )
    CONVERSATIONS_OF_USER = f"{_LISTED} WHERE user_id = ? LIMIT ?"
    CONVERSATIONS_OF_USER_AFTER = (
        f"{_LISTED} WHERE user_id = ? AND (created_at, conversation_id) < (?, ?) LIMIT ?"
    )

    FIND_IN_INDEX = f"{_INDEX} WHERE conversation_id = ? AND message_id IN ?"
    ADD_TO_INDEX = (
        "INSERT INTO $keyspace.message_index (conversation_id, message_id, timestamp, seq, "
        "sender_id) "
        "VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
    )
    ADD_MESSAGE = (
        "INSERT INTO $keyspace.messages (conversation_id, timestamp, seq, message_id, sender_id, "
        "recipient_id, content, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
    )
    MARK_DELIVERED = (
        "UPDATE $keyspace.messages USING TIMESTAMP ? SET status = 'DELIVERED', delivered_at = ? "
        "WHERE conversation_id = ? AND timestamp = ? AND seq = ? AND message_id = ?"
    )
    MESSAGES_AT = f"{_MESSAGE} {_AT_POSITIONS}"
    STATES_AT = f"{_STATE} {_AT_POSITIONS}"
    NEWEST = f"{_MESSAGE} WHERE conversation_id = ? LIMIT ?"
    OLDER = f"{_MESSAGE} WHERE conversation_id = ? AND (timestamp, seq) < (?, ?) LIMIT ?"
    NEWER = f"{_MESSAGE} {_AFTER} {_OLDEST_FIRST}"
    NEWER_UNTIL = f"{_MESSAGE} {_AFTER} AND (timestamp, seq) <= (?, ?) {_OLDEST_FIRST}"
    STATES_NEWEST = f"{_STATE} WHERE conversation_id = ? LIMIT ?"
    STATES_NEWER = f"{_STATE} {_AFTER} {_OLDEST_FIRST}"
    STATES_NEWER_UNTIL = f"{_STATE} {_AFTER} AND (timestamp, seq) <= (?, ?) {_OLDEST_FIRST}"

    # What StoreInspector reads.
    IDS_OF_CONVERSATIONS = _ids_of("conversations")
    IDS_OF_MESSAGES = _ids_of("messages")
    IDS_OF_INDEX = _ids_of("message_index")
    MESSAGES_AFTER_KEY = f"{_MESSAGE} {_AFTER_KEY} {_OLDEST_FIRST}"
    STATES_AFTER_KEY = f"{_STATE} {_AFTER_KEY} {_OLDEST_FIRST}"
    INDEX_FROM_BEGINNING = f"{_INDEX} WHERE conversation_id = ? LIMIT ?"
    INDEX_AFTER = f"{_INDEX} WHERE conversation_id = ? AND message_id > ? LIMIT ?"
    LOG_STARTS = (
        "SELECT partition, first_offset, toUnixTimestamp(watermark) FROM $keyspace.log_starts "
        "WHERE topic = ?"
    )

    # What an import writes, besides the statements of the others.
    IMPORT_MARKER = "SELECT sha256, lines, is_finished FROM $keyspace.imports WHERE id = ?"
    CLAIM_IMPORT = (
        "INSERT INTO $keyspace.imports (id, sha256, lines, is_finished) "
        "VALUES (?, ?, 0, false) IF NOT EXISTS"
    )
    ADVANCE_IMPORT = (
        "UPDATE $keyspace.imports SET lines = ?, is_finished = ? WHERE id = ? "
        "IF sha256 = ? AND is_finished = false"
    )
    REOPEN_IMPORT = (
        "UPDATE $keyspace.imports SET lines = 0, is_finished = false WHERE id = ? IF sha256 = ?"
    )
    REPLACE_USER = (
        "UPDATE $keyspace.users SET username = ?, password_hash = ?, created_at = ? "
        "WHERE user_id = ? IF EXISTS"
    )
    ADD_LOG_START = (
        "INSERT INTO $keyspace.log_starts (topic, partition, first_offset, watermark) "
        "VALUES (?, ?, ?, ?)"
    )

    INBOX = f"{_INBOX} WHERE user_id = ?"
    INBOX_OF = f"{_INBOX} WHERE user_id = ? AND conversation_id IN ?"
    NOTE_NEWEST = (
        "INSERT INTO $keyspace.inboxes (user_id, conversation_id, newest_timestamp, newest_seq) "
        "VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
    )
    NOTE_DELIVERED = (
        "INSERT INTO $keyspace.inboxes (user_id, conversation_id, delivered_timestamp, "
        "delivered_seq) "
        "VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
    )
    NOTE_RANGES = (
        "INSERT INTO $keyspace.inboxes (user_id, conversation_id, stretches) "
        "VALUES (?, ?, ?) USING TIMESTAMP ?"
    )

    TOUCH = "INSERT INTO $keyspace.presence (user_id, seen_at) VALUES (?, ?) USING TTL ?"
    LAST_SEEN = "SELECT user_id, seen_at FROM $keyspace.presence WHERE user_id IN ?"

    def cql(self, keyspace: str) -> str:
        """Return the CQL with a keyspace before each table.

        A connection that chose one with USE would make `users` mean
        another table.

        Args:
            keyspace: As CQL has it, in quotes.

        Returns:
            What is prepared.
        """
        return Template(self.value).substitute(keyspace=keyspace)


SENT_ONCE = frozenset(
    {
        Statement.CHANGE_PASSWORD,
        Statement.REPLACE_USER,
        Statement.ADVANCE_IMPORT,
        Statement.REOPEN_IMPORT,
    }
)
"""Never sent to a second node when the first is slow: a late copy would
undo a newer password, or the end of an import. All others may be
executed twice; the claim of a conversation, not the answer, says who
created it.
"""
