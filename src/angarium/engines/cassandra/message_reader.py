"""The API's half of the messages on Cassandra."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from uuid import UUID

from angarium.deadline import within
from angarium.domain.message import LAST_OFFSET, InboxPosition, Message, MessagePosition
from angarium.domain.page_size import read_one_page
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.inbox_reader import InboxReader
from angarium.engines.cassandra.message_writer import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import MessageState
from angarium.engines.cassandra.session import CALL_SECONDS, CassandraSession, Parameters
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.texts import read_texts
from angarium.ports.messages import PENDING_COUNT_LIMIT, Summary

NOT_INDEXED = 256
"""A stored message that is not in the index yet is among so many newest
ones of its conversation: the router stores the next group of a
conversation, of 64 messages, when the one before is in the index.
"""


class CassandraMessageReader:
    """Implements `ports.messages.MessageReader`: every page is one
    slice of one partition.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._pending = InboxReader(session)

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Read towards the past; see the port.

        Args:
            conversation_id: Of which conversation.
            than: Strictly before this place; None starts from the
                newest.
            limit: At most so many.

        Returns:
            Newest first.
        """
        if than is None:
            # Not fewer than were written together; see BATCH.
            return self._page(Statement.NEWEST, (conversation_id,), max(limit, ROWS_PER_MUTATION))[
                :limit
            ]
        return self._page(Statement.OLDER, (conversation_id, than.timestamp, than.offset), limit)

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
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
        return self._page(Statement.NEWER, (conversation_id, than.timestamp, than.offset), limit)

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Look messages up by id; see the port.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            Those that are stored.
        """
        ids = list(dict.fromkeys(message_ids))
        indexed = self._indexed(conversation_id, ids)
        others = self._not_indexed(conversation_id, ids, indexed)
        positions = {**indexed, **{key: state.position for key, state in others.items()}}
        if not positions:
            return {}
        wanted = [
            (positions[key].timestamp, positions[key].offset, key)
            for key in ids
            if key in positions
        ]
        found = self._read(Statement.MESSAGES_AT, (conversation_id, wanted), len(wanted), list)
        return {message.message_id: message for message in found}

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        """Implements `MessageReader.recipients`: no text leaves
        Cassandra.

        Args:
            conversation_id: The conversation that they must belong to.
            message_ids: At most 100.

        Returns:
            The recipients of those that are stored, by message.
        """
        ids = list(dict.fromkeys(message_ids))
        indexed = self._indexed(conversation_id, ids)
        found = list(self._not_indexed(conversation_id, ids, indexed).values())
        if indexed:
            positions = [
                (position.timestamp, position.offset, key) for key, position in indexed.items()
            ]
            stored = self._session.execute(Statement.STATES_AT, (conversation_id, positions))
            found += map(row_mapping.state, stored)
        return {state.message_id: state.recipient_id for state in found}

    def _indexed(self, conversation_id: UUID, ids: Sequence[UUID]) -> dict[UUID, MessagePosition]:
        """Return the places of those messages that are in the index."""
        found = self._session.execute(Statement.FIND_IN_INDEX, (conversation_id, ids))
        return {key: position for key, position, _ in map(row_mapping.indexed, found)}

    def _not_indexed(
        self, conversation_id: UUID, ids: Sequence[UUID], indexed: Collection[UUID]
    ) -> dict[UUID, MessageState]:
        """Return what is stored of the other messages.

        Who saw a message in the history must find it, also when its
        worker died before the index.
        """
        missing = set(ids).difference(indexed)
        if not missing:
            return {}
        newest = self._session.execute(Statement.STATES_NEWEST, (conversation_id, NOT_INDEXED))
        return {
            state.message_id: state
            for state in map(row_mapping.state, newest)
            if state.message_id in missing
        }

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Read what a user has not confirmed yet; see the port.

        Args:
            recipient_id: To whom.
            after: Strictly after this place; None starts from the
                oldest.
            limit: At most so many.

        Returns:
            Oldest first.
        """
        return self._pending.inbox(recipient_id, after, limit)

    def _newer_than_moment(
        self, conversation_id: UUID, than: MessagePosition, limit: int
    ) -> Sequence[Message]:
        # It may lie in the middle of a mutation; up to the newest that
        # was read, all are safe. See BATCH.
        newest = self._read(
            Statement.NEWEST, (conversation_id, ROWS_PER_MUTATION), ROWS_PER_MUTATION, list
        )
        if len(newest) < ROWS_PER_MUTATION or newest[-1].position <= than:
            return read_one_page(
                [message for message in reversed(newest) if message.position > than][:limit]
            )
        until = newest[0].position
        bounds = (than.timestamp, than.offset, until.timestamp, until.offset)
        return self._page(Statement.NEWER_UNTIL, (conversation_id, *bounds), limit)

    def _page(self, statement: Statement, values: Parameters, limit: int) -> list[Message]:
        """Return a slice of a conversation, no more of it than one
        page.

        Args:
            statement: One that takes a limit last.
            values: Those before it.
            limit: At most so many.
        """
        return self._read(statement, (*values, limit), limit, read_one_page)

    def _read(
        self,
        statement: Statement,
        values: Parameters,
        count: int,
        take: Callable[[Iterable[Message]], list[Message]],
    ) -> list[Message]:
        """Return what is taken of an answer with at most so many
        texts.
        """
        with self._session.asking_for_texts([(statement, values)], count) as (answer,):
            return take(map(row_mapping.message, self._session.wait(answer)))

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Sum conversations up; see the port.

        Args:
            user_id: For whom the pending messages are counted.
            conversation_ids: At most 100.

        Returns:
            One for each.
        """
        with within(CALL_SECONDS):
            # As many as were written together (see BATCH), but the text
            # of one.
            newest = {
                key: self._session.submit(Statement.STATES_NEWEST, (key, ROWS_PER_MUTATION))
                for key in conversation_ids
            }
            counts = self._pending.counts(user_id, conversation_ids, PENDING_COUNT_LIMIT)
            last: dict[UUID, Sequence[MessageState]] = {
                key: [row_mapping.state(row) for row in self._session.wait(answer)[:1]]
                for key, answer in newest.items()
            }
            messages = {each.conversation_id: each for each in read_texts(self._session, last)}
        return {key: Summary(messages.get(key), counts[key]) for key in conversation_ids}
