"""The texts of messages whose positions are known.

What to show is chosen by statements that read no text: an inbox looks
at thousands of messages, and a list of conversations at sixteen of
each, to show a hundred (docs/adr/0007).
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import Message
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.row_mapping import MessageState
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


def read_texts(
    session: CassandraSession, chosen: Mapping[UUID, Sequence[MessageState]]
) -> Iterator[Message]:
    """Read the texts of messages that are on a quorum.

    Args:
        session: Asked for all conversations side by side.
        chosen: Which messages, by conversation.

    Yields:
        The messages, a conversation at a time, each in the given order,
        in their present state. Their room is reserved until the last
        one is taken, or the caller stops.

    Raises:
        StoreUnavailable: No answer in time, or one without a message
            that was there.
    """
    present = {conversation_id: states for conversation_id, states in chosen.items() if states}
    requests = [
        (Statement.MESSAGES_AT, (key, list(map(_position, states))))
        for key, states in present.items()
    ]
    with session.reading_texts(requests, sum(map(len, present.values()))) as answers:
        for states, answer in zip(present.values(), answers, strict=True):
            found = {
                message.message_id: message
                for message in map(row_mapping.message, session.wait(answer))
            }
            for state in states:
                if state.message_id not in found:
                    raise StoreUnavailable("a message that was read a moment ago is missing now")
                yield found[state.message_id]


def _position(state: MessageState) -> tuple[int, int, UUID]:
    """Return a position as the statement takes it."""
    return state.position.timestamp, state.position.offset, state.message_id
