"""Messages on Cassandra as the API reads them.

Which rows may be read when: `prefix_reads`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import UUID

from angarium.deadline import within
from angarium.domain.message import LAST_OFFSET, InboxPosition, Message, MessagePosition
from angarium.domain.page_size import read_one_page
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.chain import run_here
from angarium.engines.cassandra.inbox_reader import InboxReader
from angarium.engines.cassandra.message_lookup import find_states
from angarium.engines.cassandra.prefix_reads import (
    ROWS_PER_MUTATION,
    newest_rows,
    reach_back_to,
)
from angarium.engines.cassandra.row_mapping import MessageState
from angarium.engines.cassandra.session import CALL_S, CassandraSession, Parameters
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.texts import read_texts
from angarium.ports.messages import PENDING_COUNT_LIMIT, Summary


class CassandraMessageReader:
    """Implements `ports.messages.MessageReader`.

    Every page is one slice of one partition (docs/adr/0009).
    """

    def __init__(self, session: CassandraSession) -> None:
        """Read messages, and inboxes, through one session."""
        self._session = session
        self._inbox = InboxReader(session)

    def older(
        self, conversation_id: UUID, than: MessagePosition | None, limit: int
    ) -> Sequence[Message]:
        """Implements `MessageReader.older`."""
        if than is None:
            newest = self._page(Statement.NEWEST, (conversation_id,), newest_rows(limit))
            return newest[:limit]
        return self._page(Statement.OLDER, (conversation_id, than.timestamp, than.offset), limit)

    def newer(self, conversation_id: UUID, than: MessagePosition, limit: int) -> Sequence[Message]:
        """Implements `MessageReader.newer`."""
        if than.offset == LAST_OFFSET:
            return self._newer_than_moment(conversation_id, than, limit)
        return self._page(Statement.NEWER, (conversation_id, than.timestamp, than.offset), limit)

    def find(self, conversation_id: UUID, message_ids: Sequence[UUID]) -> Mapping[UUID, Message]:
        """Implements `MessageReader.find`."""
        with within(CALL_S):
            states = self._find_states(conversation_id, message_ids)
            chosen = {conversation_id: list(states.values())}
            return {each.message_id: each for each in read_texts(self._session, chosen)}

    def recipients(
        self, conversation_id: UUID, message_ids: Sequence[UUID]
    ) -> Mapping[UUID, UUID]:
        """Implements `MessageReader.recipients`."""
        with within(CALL_S):
            states = self._find_states(conversation_id, message_ids)
        return {key: state.recipient_id for key, state in states.items()}

    def _find_states(
        self, conversation_id: UUID, ids: Sequence[UUID]
    ) -> Mapping[UUID, MessageState]:
        """Return the messages with some ids, without their texts."""
        return run_here(find_states(self._session, conversation_id, ids), self._session.wait)

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Implements `MessageReader.inbox`."""
        return self._inbox.inbox(recipient_id, after, limit)

    def _newer_than_moment(
        self, conversation_id: UUID, than: MessagePosition, limit: int
    ) -> Sequence[Message]:
        """Return the messages after a moment, any moment at all.

        It may lie in the middle of a mutation, so the newest rows are
        read first (prefix_reads).
        """
        newest = self._read(
            Statement.NEWEST, (conversation_id, ROWS_PER_MUTATION), ROWS_PER_MUTATION, list
        )
        if reach_back_to(newest, than):
            return read_one_page(
                [message for message in reversed(newest) if message.position > than][:limit]
            )
        until = newest[0].position
        bounds = (than.timestamp, than.offset, until.timestamp, until.offset)
        return self._page(Statement.NEWER_UNTIL, (conversation_id, *bounds), limit)

    def _page(self, statement: Statement, values: Parameters, limit: int) -> list[Message]:
        """Return a slice of a conversation, at most one page.

        Args:
            statement: One that takes a limit last.
            values: Those before it.
            limit: The maximum number of messages.
        """
        return self._read(statement, (*values, limit), limit, read_one_page)

    def _read(
        self,
        statement: Statement,
        values: Parameters,
        count: int,
        take: Callable[[Iterable[Message]], list[Message]],
    ) -> list[Message]:
        """Return what a function takes of an answer with texts.

        Args:
            statement: Which statement.
            values: All of its values.
            count: The maximum number of messages in the answer.
            take: Called with the messages while their room is reserved.
        """
        with self._session.reading_texts([(statement, values)], count) as (answer,):
            return take(map(row_mapping.message, self._session.wait(answer)))

    def summaries(self, user_id: UUID, conversation_ids: Sequence[UUID]) -> Mapping[UUID, Summary]:
        """Implements `MessageReader.summaries`."""
        with within(CALL_S):
            # As many rows as one mutation (prefix_reads), but the text
            # of one.
            newest = {
                key: self._session.submit(Statement.STATES_NEWEST, (key, ROWS_PER_MUTATION))
                for key in conversation_ids
            }
            counts = self._inbox.counts(user_id, conversation_ids, PENDING_COUNT_LIMIT)
            last: dict[UUID, Sequence[MessageState]] = {
                key: [row_mapping.state(row) for row in self._session.wait(answer)[:1]]
                for key, answer in newest.items()
            }
            messages = {each.conversation_id: each for each in read_texts(self._session, last)}
        return {key: Summary(messages.get(key), counts[key]) for key in conversation_ids}
