"""Finding messages by their ids, while others are being written.

An index row may be seen on one replica, as its message may, and may be
repaired alone. So it names a position, but does not say that the
message there, and all before it, are on a quorum. Reading just that row
would repair just that row: others would see it without those before it
(docs/adr/0029). So the newest rows are read first, and nothing after
them.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.chain import Chain
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import MessageState, Row
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


def find_states(
    session: CassandraSession, conversation_id: UUID, message_ids: Collection[UUID]
) -> Chain[Mapping[UUID, MessageState]]:
    """Find messages by their ids.

    A message that is not in the index yet is among the newest rows: the
    worker sends the next mutation of a conversation when the one before
    is on a quorum, in both tables. Mostly all are among them, and one
    request is enough.

    Args:
        session: Asked.
        conversation_id: Of which conversation.
        message_ids: Which messages.

    Yields:
        The requests, at most three.

    Returns:
        By id, those that are stored. They, and all messages before
        them, are on a quorum.
    """
    newest = yield session.submit(Statement.STATES_NEWEST, (conversation_id, ROWS_PER_MUTATION))
    wanted = dict.fromkeys(message_ids)
    found = _states(row for row in newest if row[0] in wanted)
    missing = [each for each in wanted if each not in found]
    if not missing or len(newest) < ROWS_PER_MUTATION:
        return found
    last = row_mapping.state_position(newest[0])
    indexed = yield session.submit(Statement.FIND_IN_INDEX, (conversation_id, missing))
    keys = [
        (position.timestamp, position.offset, message_id)
        for message_id, position, _ in map(row_mapping.indexed, indexed)
        if position <= last
    ]
    if keys:
        found.update(_states((yield session.submit(Statement.STATES_AT, (conversation_id, keys)))))
    return found


def _states(rows: Iterable[Row]) -> dict[UUID, MessageState]:
    """Return the states of messages by their ids."""
    return {state.message_id: state for state in map(row_mapping.state, rows)}
