"""What is known of each user's conversations: the newest message to
them, and what they have confirmed.

Both places only rise, and both are facts of the log, so whoever writes
them, however late, says nothing wrong: a write's timestamp is made from
its place, so the farthest place stands. Of one millisecond the two
cells of a place are settled one by one, each to the greater value,
which is the farther place again.

The stretches that are settled behind the delivered place are one cell,
which bears the time of the record that was handled. Whichever stands,
it says nothing wrong either.
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
    """Reads and writes them; used by any thread."""

    def __init__(self, session: CassandraSession) -> None:
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
        """Note that messages came, once all of them are durable:
        readers take all up to the newest for that.

        Args:
            messages: Of one conversation, in the order of their places.

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
        settled: Mapping[UUID, Collection[MessagePosition]],
        at: int,
        thoroughly: bool = False,
    ) -> Chain[None]:
        """Move marks over everything that needs no receipt any more;
        one that lags costs a longer read.

        Args:
            conversation_id: In which conversation.
            settled: Whose marks, with messages that need no receipt of
                each since now.
            at: The running maximum of append times at the record that
                is handled, milliseconds.
            thoroughly: Whether to look for more that is settled, behind
                the first messages that wait.

        Yields:
            What is asked of Cassandra.
        """
        yield from gather(
            run_chain(self._advance_one(user_id, conversation_id, positions, at, thoroughly))
            for user_id, positions in settled.items()
        )

    def _advance_one(
        self,
        user_id: UUID,
        conversation_id: UUID,
        positions: Collection[MessagePosition],
        at: int,
        thoroughly: bool,
    ) -> Chain[Rows]:
        found = yield self._session.submit(Statement.INBOX_OF, (user_id, [conversation_id]))
        entry = (
            row_mapping.inbox_entry(found[0])
            if found
            else InboxEntry(conversation_id, BEGINNING, BEGINNING, ())
        )
        advance = InboxCursorUpdate(self._session, user_id, entry)
        yield from advance.run(positions, thoroughly)
        if advance.delivered != entry.delivered:
            values = _values(user_id, conversation_id, advance.delivered)
            yield self._session.submit(Statement.NOTE_DELIVERED, values)
        if advance.stretches != entry.stretches:
            noted = range_values(advance.stretches)
            values = (user_id, conversation_id, noted, write_time(at, RECEIPT_RANK))
            yield self._session.submit(Statement.NOTE_STRETCHES, values)
        return ()


def _values(user_id: UUID, conversation_id: UUID, position: MessagePosition) -> tuple[object, ...]:
    return (
        user_id,
        conversation_id,
        position.timestamp,
        position.offset,
        write_time(position.timestamp),
    )
