"""Writing an import into Cassandra, many statements at a time.

Every cell gets the value and the write timestamp that the worker would
have given it, so writing it again changes nothing, and what the worker
writes later wins where it should (row_mapping.write_time).
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import cast
from uuid import UUID, uuid5

from angarium.domain.conversation import Conversation
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.cluster import REQUEST_S
from angarium.engines.cassandra.imported_inboxes import ImportedInbox
from angarium.engines.cassandra.message_writer import (
    chunks,
    delivery_write,
    message_writes,
)
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.engines.cassandra.row_mapping import RECEIPT_RANK, Rows, range_values, write_time
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.message_log import Position

MAX_IN_FLIGHT = 64
"""Requests that are sent and not answered: with batches of the largest
texts 10 MB.
"""

MARKER_ID = "import"
"""The one row of `imports`: a keyspace has one import at most."""

_Send = Callable[[], "Future[Rows]"]


class CassandraBulkLoader:
    """Implements `BulkLoader`; batches are one partition each."""

    def __init__(self, session: CassandraSession, topic: str, marker_id: str = MARKER_ID) -> None:
        """Write through one session.

        Args:
            session: Connected to the keyspace.
            topic: The log's; the starts of its partitions are kept
                under its name.
            marker_id: The marker's row; another one in tests that share
                a keyspace.
        """
        self._session = session
        self._marker_id = marker_id
        self._topic = topic
        self._inboxes: dict[UUID, tuple[ImportedInbox, ImportedInbox]] = {}

    def marker(self) -> ImportMarker | None:
        """Implements `BulkLoader.marker`."""
        return read_marker(self._session, self._marker_id)

    def claim(self, sha256: str) -> ImportMarker:
        """Implements `BulkLoader.claim`, by a conditional write."""
        self._session.execute(Statement.CLAIM_IMPORT, (self._marker_id, sha256))
        marker = self.marker()
        if marker is None:
            raise StoreUnavailable("the marker of an import is not visible yet")
        return marker

    def advance(self, marker: ImportMarker) -> None:
        """Implements `BulkLoader.advance`, by a conditional write."""
        values = (marker.lines, marker.is_finished, self._marker_id, marker.sha256)
        self._session.execute(Statement.ADVANCE_IMPORT, values)

    def reopen(self, sha256: str) -> None:
        """Implements `BulkLoader.reopen`, by a conditional write."""
        self._session.execute(Statement.REOPEN_IMPORT, (self._marker_id, sha256))

    def put_users(self, users: Sequence[User]) -> None:
        """Implements `BulkLoader.put_users`, by conditional writes."""
        self._run_all(
            self._send(
                Statement.ADD_USER,
                (user.user_id, user.username, user.password_hash, user.created_at),
            )
            for user in users
        )
        answers = self._run_all(self._send(Statement.USER, (user.user_id,)) for user in users)
        stored = {user.user_id: user for rows in answers for user in map(row_mapping.user, rows)}
        self._run_all(
            self._send(
                Statement.REPLACE_USER,
                (user.username, user.password_hash, user.created_at, user.user_id),
            )
            for user in users
            if stored.get(user.user_id) != user
        )

    def put_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Implements `BulkLoader.put_conversations`.

        The conversation itself is a conditional write, like the API's.
        """
        self._run_all(
            self._send(
                Statement.ADD_CONVERSATION,
                (
                    each.conversation_id,
                    list(each.participant_ids),
                    each.created_at,
                    uuid5(each.conversation_id, "import"),
                ),
            )
            for each in conversations
        )
        self._run_all(
            self._send(
                Statement.ADD_CONVERSATION_OF_USER,
                (user_id, each.created_at, each.conversation_id, each.other(user_id)),
            )
            for each in conversations
            for user_id in each.participant_ids
        )

    def put_messages(self, messages: Sequence[Message]) -> None:
        """Implements `BulkLoader.put_messages`.

        A message, its index row and its receipt are one mutation.
        """
        groups = [
            (key, list(group))
            for key, group in groupby(messages, key=lambda message: message.conversation_id)
        ]
        self._run_all(
            self._send_batch(_writes(rows))
            for _, group in groups
            for rows in chunks(group, ROWS_PER_MUTATION)
        )
        for conversation_id, group in groups:
            for inbox in self._inboxes_of(conversation_id, group[0]):
                for message in group:
                    inbox.add(message)

    def flush(self) -> None:
        """Implements `BulkLoader.flush`: inboxes are written here."""
        self._run_all(
            send
            for pair in self._inboxes.values()
            for inbox in pair
            for send in self._inbox_writes(inbox)
        )
        # The last conversation may go on.
        for conversation_id in list(self._inboxes)[:-1]:
            del self._inboxes[conversation_id]

    def put_log_starts(self, starts: Mapping[int, Position]) -> None:
        """Implements `BulkLoader.put_log_starts`."""
        self._run_all(
            self._send(
                Statement.ADD_LOG_START, (self._topic, partition, start.offset, start.watermark)
            )
            for partition, start in starts.items()
        )

    def _inboxes_of(
        self, conversation_id: UUID, message: Message
    ) -> tuple[ImportedInbox, ImportedInbox]:
        """Return the inboxes of both users of a conversation."""
        if conversation_id not in self._inboxes:
            self._inboxes[conversation_id] = (
                ImportedInbox(message.sender_id, conversation_id),
                ImportedInbox(message.recipient_id, conversation_id),
            )
        return self._inboxes[conversation_id]

    def _inbox_writes(self, inbox: ImportedInbox) -> Iterator[_Send]:
        """Yield the writes of what is known of one inbox."""
        entry = inbox.entry()
        key = (inbox.user_id, entry.conversation_id)
        if entry.newest != BEGINNING:
            yield self._send(Statement.NOTE_NEWEST, (*key, *_place(entry.newest)))
        if entry.delivered != BEGINNING:
            yield self._send(Statement.NOTE_DELIVERED, (*key, *_place(entry.delivered)))
        if entry.ranges:
            at = write_time(inbox.last.timestamp, RECEIPT_RANK)
            yield self._send(Statement.NOTE_RANGES, (*key, range_values(entry.ranges), at))

    def _send(self, statement: Statement, values: Sequence[object]) -> _Send:
        """Return a call that sends one statement."""
        return lambda: self._session.submit(statement, values)

    def _send_batch(self, writes: Sequence[Request]) -> _Send:
        """Return a call that sends what becomes one mutation."""
        return lambda: self._session.submit_batch(writes)

    def _run_all(self, sends: Iterable[_Send]) -> list[Rows]:
        """Return all answers; MAX_IN_FLIGHT requests at a time."""
        answers: list[Rows] = []
        in_flight: deque[Future[Rows]] = deque()
        for send in sends:
            if len(in_flight) == MAX_IN_FLIGHT:
                answers.append(self._session.wait(in_flight.popleft()))
            in_flight.append(send())
        answers += [self._session.wait(future) for future in in_flight]
        return answers


def read_marker(session: CassandraSession, marker_id: str = MARKER_ID) -> ImportMarker | None:
    """Read what a keyspace keeps of an import.

    Args:
        session: Connected to the keyspace.
        marker_id: The marker's row.

    Returns:
        As `BulkLoader.marker`.

    Raises:
        StoreUnavailable: Cassandra does not answer.
    """
    return _marker(session.execute(Statement.IMPORT_MARKER, (marker_id,)))


def read_marker_over(connected: PreparedSession) -> ImportMarker | None:
    """Read the marker over a connection that nobody uses yet.

    Args:
        connected: To the keyspace.

    Returns:
        As `BulkLoader.marker`.

    Raises:
        Exception: Whatever the driver raises without an answer in 2 s.
    """
    question = connected.prepared[Statement.IMPORT_MARKER].bind((MARKER_ID,))
    return _marker(list(connected.session.execute(question, timeout=REQUEST_S)))


def _marker(found: Rows) -> ImportMarker | None:
    """Return the marker that a row holds."""
    return ImportMarker(*cast("tuple[str, int, bool]", found[0])) if found else None


def _before_receipt(message: Message) -> Message:
    """Return a message as it was before its receipt."""
    if message.delivered_at is None:
        return message
    return message._replace(status=Status.PENDING, delivered_at=None)


def _writes(messages: Sequence[Message]) -> list[Request]:
    """Return the writes of some messages of one conversation.

    The receipt's cells are written as the receipt's: their write
    timestamp is its own.
    """
    return [
        *message_writes([_before_receipt(each) for each in messages]),
        *(
            delivery_write(each.conversation_id, each.message_id, each.position, each.delivered_at)
            for each in messages
            if each.delivered_at is not None
        ),
    ]


def _place(position: MessagePosition) -> tuple[int, int, int]:
    """Return a position as it is written, its write time last."""
    return position.timestamp, position.offset, write_time(position.timestamp)
