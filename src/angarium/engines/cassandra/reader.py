"""The API's half of the messages on Cassandra."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from angarium.deadline import within
from angarium.domain.message import LAST_OFFSET, InboxPlace, Message, Place
from angarium.engines.cassandra import rows
from angarium.engines.cassandra.pending import Pending
from angarium.engines.cassandra.recorder import BATCH
from angarium.engines.cassandra.session import CALL_SECONDS, CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import PENDING_COUNT_LIMIT, Summary

NOT_INDEXED = 256
"""A stored message that is not in the index yet is among so many newest ones of its conversation: the router
stores the next group of a conversation, of 64 messages, when the one before is in the index."""


class CassandraReader:
    """Implements `ports.messages.MessageReader`: every page is one slice of one partition."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._pending = Pending(session)

    def older(self, conversation_id: UUID, than: Place | None, limit: int) -> Sequence[Message]:
        """Read towards the past; see the port.

        Args:
            conversation_id: Of which conversation.
            than: Strictly before this place; None starts from the newest.
            limit: At most so many.

        Returns:
            Newest first.
        """
        if than is None:
            # Not fewer than were written together; see BATCH.
            newest = self._session.execute(Statement.NEWEST, (conversation_id, max(limit, BATCH)))
            found = newest[:limit]
        else:
            values = (conversation_id, than.timestamp, than.offset, limit)
            found = self._session.execute(Statement.OLDER, values)
        return [rows.message(row) for row in found]

    def newer(self, conversation_id: UUID, than: Place, limit: int) -> Sequence[Message]:
        """Read towards the present; see the port.

        Args:
            conversation_id: Of which conversation.
            than: Strictly after this place.
            limit: At most so many.

        Returns:
            Oldest first.
        """
        if than.offset == LAST_OFFSET:
            return self._newer_than_moment(conversation_id, than, limit)
        values = (conversation_id, than.timestamp, than.offset, limit)
        return [rows.message(row) for row in self._session.execute(Statement.NEWER, values)]

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Look messages up by id; see the port.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            Those that are stored.
        """
        ids = list(dict.fromkeys(message_ids))
        indexed = self._session.execute(Statement.FIND_IN_INDEX, (conversation_id, ids))
        places = [(place.timestamp, place.offset, key) for key, place, _ in map(rows.indexed, indexed)]
        found = self._session.execute(Statement.MESSAGES_AT, (conversation_id, places)) if places else ()
        if len(places) < len(ids):
            # Who saw a message in the history must find it, also when its worker died before the index.
            found = [*found, *self._session.execute(Statement.NEWEST, (conversation_id, NOT_INDEXED))]
        messages = {message.message_id: message for message in map(rows.message, found)}
        return {key: messages[key] for key in ids if key in messages}

    def inbox(self, recipient_id: UUID, after: InboxPlace | None, limit: int) -> Sequence[Message]:
        """Read what a user has not confirmed yet; see the port.

        Args:
            recipient_id: To whom.
            after: Strictly after this place; None starts from the oldest.
            limit: At most so many.

        Returns:
            Oldest first.
        """
        return self._pending.inbox(recipient_id, after, limit)

    def _newer_than_moment(self, conversation_id: UUID, than: Place, limit: int) -> Sequence[Message]:
        # It may lie in the middle of a mutation; up to the newest that was read, all are safe. See BATCH.
        newest = [
            rows.message(row) for row in self._session.execute(Statement.NEWEST, (conversation_id, BATCH))
        ]
        if len(newest) < BATCH or newest[-1].place <= than:
            return [message for message in reversed(newest) if message.place > than][:limit]
        until = newest[0].place
        bounds = (than.timestamp, than.offset, until.timestamp, until.offset)
        found = self._session.execute(Statement.NEWER_UNTIL, (conversation_id, *bounds, limit))
        return [rows.message(row) for row in found]

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Sum conversations up; see the port.

        Args:
            user_id: For whom the pending messages are counted.
            conversation_ids: At most 100.

        Returns:
            One for each.
        """
        with within(CALL_SECONDS):
            newest = {key: self._session.submit(Statement.NEWEST, (key, BATCH)) for key in conversation_ids}
            counts = self._pending.counts(user_id, conversation_ids, PENDING_COUNT_LIMIT)
            last = {key: self._session.wait(answer) for key, answer in newest.items()}
        return {
            key: Summary(rows.message(last[key][0]) if last[key] else None, counts[key])
            for key in conversation_ids
        }
