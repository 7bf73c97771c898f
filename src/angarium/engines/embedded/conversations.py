"""Conversations in the embedded database."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from angarium.deadline import within
from angarium.domain.conversation import Conversation, ConversationPosition
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.database import Database

_CHECK_S = 1.0
_NEWEST = (2**63 - 1, "g")
"""After every position: no id has a letter after `f`."""

_ADD = (
    "INSERT INTO conversations (conversation_id, first_participant_id, second_participant_id, "
    "created_at)"
    " VALUES (?, ?, ?, ?) ON CONFLICT (conversation_id) DO NOTHING"
)
_LIST = (
    "INSERT INTO conversations_by_user (user_id, created_at, conversation_id, "
    "other_participant_id)"
    " VALUES (?, ?, ?, ?), (?, ?, ?, ?)"
)
_GET = (
    "SELECT conversation_id, first_participant_id, second_participant_id, created_at"
    " FROM conversations WHERE conversation_id = ?"
)
_GET_OF = f"{_GET} AND ? IN (first_participant_id, second_participant_id)"
_FIND = bulk_sql.select_as_json(
    "conversation_id, first_participant_id, second_participant_id, created_at",
    "json_each(?) AS wanted CROSS JOIN conversations ON conversation_id = wanted.value",
)
_OF_USER = bulk_sql.select_as_json(
    "created_at, conversation_id, other_participant_id",
    "(SELECT * FROM conversations_by_user WHERE user_id = ? AND (created_at, conversation_id) < "
    "(?, ?)"
    " ORDER BY created_at DESC, conversation_id DESC LIMIT ?)",
)
_CHECK = "SELECT value FROM meta WHERE name = 'schema_version'"

_Row = tuple[str, str, str, int]
_ListedRow = tuple[int, str, str]


class EmbeddedConversations:
    """Implements `ConversationStore` with two tables."""

    def __init__(self, database: Database) -> None:
        """Register the write that creates conversations."""
        self._database = database
        self._creates = database.register(_create)

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:  # noqa: ARG002
        """Implements `ConversationStore.create`, needing no claim.

        A transaction that failed did nothing, so a repeated call cannot
        meet its own candidate.

        Returns:
            As the port says.
        """
        return self._creates.wait(conversation)

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        """Implements `ConversationStore.get`."""
        values = (str(conversation_id), str(participant_id))
        return self._database.read(lambda connection: _read(connection, _GET_OF, values))

    def of_user(
        self, user_id: UUID, after: ConversationPosition | None, limit: int
    ) -> Sequence[Conversation]:
        """Implements `ConversationStore.of_user`."""
        text = str(user_id)
        start = _NEWEST if after is None else (after.created_at, str(after.conversation_id))
        found = self._database.read(
            lambda connection: bulk_sql.read(connection, _OF_USER, (text, *start, limit))
        )
        listed = sorted(cast("list[_ListedRow]", found), reverse=True)
        return [
            _conversation((each, min(text, other), max(text, other), at))
            for at, each, other in listed
        ]

    def find(self, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Conversation]:
        """Implements `ConversationStore.find`."""
        wanted = bulk_sql.as_json(map(str, conversation_ids))
        found = self._database.read(lambda connection: bulk_sql.read(connection, _FIND, (wanted,)))
        conversations = [_conversation(cast("_Row", tuple(row))) for row in found]
        return {each.conversation_id: each for each in conversations}

    def check(self) -> None:
        """Implements `ConversationStore.check` by reading one row."""
        with within(_CHECK_S):
            self._database.read(lambda connection: connection.execute(_CHECK).fetchone())


def _create(
    connection: sqlite3.Connection, conversations: Sequence[Conversation]
) -> Sequence[tuple[Conversation, bool]]:
    """Create conversations in a transaction, one result for each."""
    return [_create_one(connection, conversation) for conversation in conversations]


def _create_one(
    connection: sqlite3.Connection, candidate: Conversation
) -> tuple[Conversation, bool]:
    """Insert a conversation and both lists' rows, unless it exists."""
    at = candidate.created_at
    conversation_id = str(candidate.conversation_id)
    first, second = (str(user_id) for user_id in candidate.participant_ids)
    if connection.execute(_ADD, (conversation_id, first, second, at)).rowcount:
        connection.execute(
            _LIST, (first, at, conversation_id, second, second, at, conversation_id, first)
        )
        return candidate, True
    return _read(connection, _GET, (conversation_id,)) or candidate, False


def _read(
    connection: sqlite3.Connection, query: str, values: tuple[str, ...]
) -> Conversation | None:
    """Return the conversation that a query finds."""
    row: _Row | None = connection.execute(query, values).fetchone()
    return None if row is None else _conversation(row)


def _conversation(row: _Row) -> Conversation:
    """Decode a row of `conversations`."""
    conversation_id, first, second, created_at = row
    return Conversation(UUID(conversation_id), (UUID(first), UUID(second)), created_at)
