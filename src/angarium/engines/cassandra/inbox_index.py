"""What is known of each user's conversations.

An entry has the newest message to the user and the delivered position.
Both only rise, and both are facts of the log. So a late or repeated
write says nothing wrong: a write's timestamp is made from its position,
and the greatest one wins. Within one millisecond Cassandra decides for
each of the two cells of a position by the greater value, which is the
farther position again.

The delivered ranges after that position are one cell, written at the
time of the record that was handled. Whichever list wins is true. With a
picture: docs/how/cassandra-inbox.md. The decision: docs/adr/0020.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium.domain.message import BEGINNING, Message, MessagePosition
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.chain import Chain, gather, run_chain
from angarium.engines.cassandra.inbox_cursors import InboxCursorUpdate
from angarium.engines.cassandra.row_mapping import (
    RECEIPT_RANK,
    InboxEntry,
    Rows,
    range_values,
    write_time,
)
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement


class InboxIndex:
    """Reads and writes the table `inboxes`; used by any thread."""

    def __init__(self, session: CassandraSession) -> None:
        """Use a session that reads and writes at a quorum."""
        self._session = session

    def of_user(self, user_id: UUID) -> Sequence[InboxEntry]:
        """Read all entries of a user.

        Args:
            user_id: Whose.

        Returns:
            One for each conversation in which there is a message to the
            user, and perhaps for others.
        """
        return [
            row_mapping.inbox_entry(row)
            for row in self._session.execute(Statement.INBOX, (user_id,))
        ]

    def of_conversations(
        self, user_id: UUID, conversation_ids: Sequence[UUID]
    ) -> Mapping[UUID, InboxEntry]:
        """Read some entries of a user.

        Args:
            user_id: Whose.
            conversation_ids: Of which conversations.

        Returns:
            By conversation, those that are there.
        """
        found = self._session.execute(Statement.INBOX_OF, (user_id, list(conversation_ids)))
        return {entry.conversation_id: entry for entry in map(row_mapping.inbox_entry, found)}

    def note_newest(self, messages: Sequence[Message]) -> Iterator["Future[Rows]"]:
        """Note messages as the newest ones of their inboxes.

        All of them must be durable already: readers rely on everything
        up to the newest position being on a quorum.

        Args:
            messages: Of one conversation, in the order of their
                positions.

        Yields:
            The write of each recipient's newest.
        """
        newest = {message.recipient_id: message for message in messages}
        for user_id, message in newest.items():
            values = _values(user_id, message.conversation_id, message.position)
            yield self._session.submit(Statement.NOTE_NEWEST, values)

    def advance(
        self,
        conversation_id: UUID,
        confirmed: Mapping[UUID, Collection[MessagePosition]],
        at: int,
        full_scan: bool = False,
    ) -> Chain[None]:
        """Move delivered positions over what needs no receipt.

        A position that lags makes a read longer, never wrong.

        Args:
            conversation_id: In which conversation.
            confirmed: By user, the messages that need no receipt of
                theirs any more.
            at: The running maximum of append times at the record that
                is handled, milliseconds.
            full_scan: Whether to look for more that is confirmed, after
                the first messages that wait.

        Yields:
            The requests to Cassandra.
        """
        yield from gather(
            run_chain(self._advance_one(user_id, conversation_id, positions, at, full_scan))
            for user_id, positions in confirmed.items()
        )

    def _advance_one(
        self,
        user_id: UUID,
        conversation_id: UUID,
        positions: Collection[MessagePosition],
        at: int,
        full_scan: bool,
    ) -> Chain[Rows]:
        """Read a user's entry, and write what has moved."""
        found = yield self._session.submit(Statement.INBOX_OF, (user_id, [conversation_id]))
        entry = (
            row_mapping.inbox_entry(found[0])
            if found
            else InboxEntry(conversation_id, BEGINNING, BEGINNING, ())
        )
        update = InboxCursorUpdate(self._session, user_id, entry)
        yield from update.run(positions, full_scan)
        if update.delivered != entry.delivered:
            values = _values(user_id, conversation_id, update.delivered)
            yield self._session.submit(Statement.NOTE_DELIVERED, values)
        if update.ranges != entry.ranges:
            noted = range_values(update.ranges)
            values = (user_id, conversation_id, noted, write_time(at, RECEIPT_RANK))
            yield self._session.submit(Statement.NOTE_RANGES, values)
        return ()


def _values(user_id: UUID, conversation_id: UUID, position: MessagePosition) -> tuple[object, ...]:
    """Return the values of a position's write, its time last."""
    return (
        user_id,
        conversation_id,
        position.timestamp,
        position.offset,
        write_time(position.timestamp),
    )
