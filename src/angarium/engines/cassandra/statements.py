"""Every statement that is sent, prepared once when the session connects."""

from enum import Enum

_MESSAGE = (
    "message_id, conversation_id, sender_id, recipient_id, content, toUnixTimestamp(timestamp), seq, status, "
    "toUnixTimestamp(delivered_at)"
)


class Statement(Enum):
    """The statements by name; the value is the CQL."""

    USER = "SELECT user_id, username, password_hash, toUnixTimestamp(created_at) FROM users WHERE user_id = ?"
    USERS = "SELECT user_id, username, password_hash, toUnixTimestamp(created_at) FROM users"
    ADD_USER = (
        "INSERT INTO users (user_id, username, password_hash, created_at) VALUES (?, ?, ?, ?) IF NOT EXISTS"
    )
    CHANGE_PASSWORD = "UPDATE users SET password_hash = ? WHERE user_id = ? IF EXISTS"  # noqa: S105

    CONVERSATION = (
        "SELECT conversation_id, participant_ids, toUnixTimestamp(created_at) FROM conversations "
        "WHERE conversation_id = ?"
    )
    ADD_CONVERSATION = (
        "INSERT INTO conversations (conversation_id, type, participant_ids, created_at) "
        "VALUES (?, 'private', ?, ?) IF NOT EXISTS"
    )
    ADD_CONVERSATION_OF_USER = (
        "INSERT INTO conversations_by_user (user_id, created_at, conversation_id, other_id) VALUES (?, ?, ?, ?)"
    )
    CONVERSATIONS_OF_USER = (
        "SELECT toUnixTimestamp(created_at), conversation_id, other_id FROM conversations_by_user "
        "WHERE user_id = ? LIMIT ?"
    )
    CONVERSATIONS_OF_USER_BEHIND = (
        "SELECT toUnixTimestamp(created_at), conversation_id, other_id FROM conversations_by_user "
        "WHERE user_id = ? AND (created_at, conversation_id) < (?, ?) LIMIT ?"
    )

    FIND_IN_INDEX = (
        "SELECT message_id, toUnixTimestamp(timestamp), seq, sender_id FROM message_index "
        "WHERE conversation_id = ? AND message_id IN ?"
    )
    ADD_TO_INDEX = (
        "INSERT INTO message_index (conversation_id, message_id, timestamp, seq, sender_id) "
        "VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?"
    )
    ADD_MESSAGE = (
        "INSERT INTO messages (conversation_id, timestamp, seq, message_id, sender_id, recipient_id, content, "
        "status) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?"
    )
    MARK_DELIVERED = (
        "UPDATE messages USING TIMESTAMP ? SET status = 'DELIVERED', delivered_at = ? "
        "WHERE conversation_id = ? AND timestamp = ? AND seq = ? AND message_id = ?"
    )
    MESSAGES_AT = (
        f"SELECT {_MESSAGE} FROM messages WHERE conversation_id = ? AND (timestamp, seq, message_id) IN ?"
    )
    NEWEST = f"SELECT {_MESSAGE} FROM messages WHERE conversation_id = ? LIMIT ?"
    OLDER = (
        f"SELECT {_MESSAGE} FROM messages WHERE conversation_id = ? AND (timestamp, seq) < (?, ?) LIMIT ?"
    )
    NEWER = (
        f"SELECT {_MESSAGE} FROM messages WHERE conversation_id = ? AND (timestamp, seq) > (?, ?) "
        "ORDER BY timestamp ASC, seq ASC, message_id ASC LIMIT ?"
    )

    DELIVERY_MARK = (
        "SELECT conversation_id, toUnixTimestamp(timestamp), seq FROM delivery_marks "
        "WHERE user_id = ? AND conversation_id = ?"
    )
    DELIVERY_MARKS = (
        "SELECT conversation_id, toUnixTimestamp(timestamp), seq FROM delivery_marks WHERE user_id = ?"
    )
    MOVE_DELIVERY_MARK = (
        "INSERT INTO delivery_marks (user_id, conversation_id, timestamp, seq) VALUES (?, ?, ?, ?) "
        "USING TIMESTAMP ?"
    )

    TOUCH = "INSERT INTO presence (user_id, seen_at) VALUES (?, ?) USING TTL ? AND TIMESTAMP ?"
    LAST_SEEN = "SELECT user_id, seen_at FROM presence WHERE user_id IN ?"
