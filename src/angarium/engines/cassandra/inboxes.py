"""What is known of each user's conversations: the newest message to them, and what they have confirmed.

Both places only rise, and both are facts of the log, so whoever writes them, however late, says nothing
wrong: a write's timestamp is made from its place, so the farthest place stands. Of one millisecond the two
cells of a place are settled one by one, each to the greater value, which is the farther place again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

from angarium.domain.message import BEGINNING, Message, Place
from angarium.engines.cassandra import rows
from angarium.engines.cassandra.rows import InboxEntry, Rows, write_time
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.steps import Steps

CHUNK = 100
MOST_CHUNKS = 10
"""One step takes a mark over 1,000 messages at most; the next one goes on from there."""


class Inboxes:
    """Reads and writes them; used by any thread."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    def of_user(self, user_id: UUID) -> Sequence[InboxEntry]:
        """Read all entries of a user.

        Args:
            user_id: Whose.

        Returns:
            One for each conversation in which there is a message to the user, and perhaps for others.
        """
        return [rows.inbox_entry(row) for row in self._session.execute(Statement.INBOX, (user_id,))]

    def of_conversations(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, InboxEntry]:
        """Read some entries of a user.

        Args:
            user_id: Whose.
            conversation_ids: Of which conversations.

        Returns:
            By conversation, those that are there.
        """
        found = self._session.execute(Statement.INBOX_OF, (user_id, list(conversation_ids)))
        return {entry.conversation_id: entry for entry in map(rows.inbox_entry, found)}

    def note_newest(self, messages: Sequence[Message]) -> Iterator["Future[Rows]"]:
        """Note that messages came, once all of them are durable: readers take all up to the newest for that.

        Args:
            messages: Of one conversation, in the order of their places.

        Yields:
            The write of each recipient's newest.
        """
        newest = {message.recipient_id: message for message in messages}
        for user_id, message in newest.items():
            values = _values(user_id, message.conversation_id, message.place)
            yield self._session.submit(Statement.NOTE_NEWEST, values)

    def advance(self, conversation_id: UUID, user_ids: Collection[UUID]) -> Steps[None]:
        """Move marks over everything that needs no receipt any more; one that lags costs a longer read.

        Args:
            conversation_id: In which conversation.
            user_ids: Whose marks.

        Yields:
            What is asked of Cassandra.
        """
        for user_id in user_ids:
            found = yield self._session.submit(Statement.INBOX_OF, (user_id, [conversation_id]))
            start = rows.inbox_entry(found[0]).delivered if found else BEGINNING
            mark = yield from self._walk(conversation_id, user_id, start)
            if mark != start:
                yield self._session.submit(Statement.NOTE_DELIVERED, _values(user_id, conversation_id, mark))

    def _walk(self, conversation_id: UUID, user_id: UUID, mark: Place) -> Steps[Place]:
        for _ in range(MOST_CHUNKS):
            behind = (conversation_id, mark.timestamp, mark.offset, CHUNK)
            chunk = yield self._session.submit(Statement.NEWER, behind)
            for row in chunk:
                if rows.is_torn(row) or rows.waits_for(user_id, message := rows.message(row)):
                    return mark
                mark = message.place
            if len(chunk) < CHUNK:
                return mark
        return mark


def _values(user_id: UUID, conversation_id: UUID, place: Place) -> tuple[object, ...]:
    return user_id, conversation_id, place.timestamp, place.offset, write_time(place.timestamp)
