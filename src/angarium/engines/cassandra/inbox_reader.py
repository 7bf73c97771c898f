"""What a user has not confirmed, read from the delivered positions.

Texts are read last, only those that the page has room for: reading
message states one after the other, a page may pass thousands. How it
works: docs/how/cassandra-inbox.md.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from operator import itemgetter
from uuid import UUID

from angarium.deadline import within
from angarium.domain.message import LAST_OFFSET, InboxPosition, Message, MessagePosition
from angarium.domain.page_size import read_one_page
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.delivered_ranges import DeliveredRanges, skip
from angarium.engines.cassandra.inbox_index import InboxIndex
from angarium.engines.cassandra.row_mapping import InboxEntry, MessageState, Rows
from angarium.engines.cassandra.session import CALL_S, CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.texts import read_texts

MAX_CONCURRENT_READS = 64
"""How many conversations of an inbox are read side by side."""

FIRST_CHUNK = 16
CHUNK = 64
"""How many messages of a conversation the first and each later request
reads: in most inboxes few wait.
"""


_Waiting = tuple[InboxPosition, MessageState]
"""A message that waits, with its position in the inbox."""


@dataclass(slots=True)
class _Scan:
    """The state of reading one conversation, as far as it is needed.

    It may start between any two messages: everything up to the newest
    position of the inbox entry is on a quorum (prefix_reads).

    Attributes:
        conversation_id: Which conversation.
        at: Everything up to here was read or skipped.
        until: The newest position, where the scan ends.
        ranges: Skipped.
        chunk: How many messages the next request reads.
        ended: Whether nothing is left to read.
        waiting: How many waiting messages were counted.
        found: Waiting messages that the page has not taken yet.
    """

    conversation_id: UUID
    at: MessagePosition
    until: MessagePosition
    ranges: DeliveredRanges
    chunk: int = FIRST_CHUNK
    ended: bool = False
    waiting: int = 0
    found: list[_Waiting] = field(default_factory=list)


class InboxReader:
    """Reads conversations and keeps what waits for the user."""

    def __init__(self, session: CassandraSession) -> None:
        """Read entries and messages through one session."""
        self._session = session
        self._index = InboxIndex(session)

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Implements `MessageReader.inbox` by merging conversations."""
        with within(CALL_S):
            scans = sorted(
                _scans(self._index.of_user(recipient_id), after),
                key=lambda scan: (scan.at, scan.conversation_id),
            )
            oldest: list[_Waiting] = []
            while unfinished := list(
                islice(_unfinished_scans(scans, oldest, limit), MAX_CONCURRENT_READS)
            ):
                self._read_on(unfinished, partial(_keep, recipient_id))
                for scan in unfinished:
                    oldest += scan.found
                    scan.found.clear()
                oldest.sort(key=itemgetter(0))
                del oldest[limit:]
            return read_one_page(self._messages(oldest))

    def counts(
        self, user_id: UUID, conversation_ids: Sequence[UUID], max_count: int
    ) -> Mapping[UUID, int]:
        """Count the messages that wait in some conversations.

        Args:
            user_id: For whom they wait.
            conversation_ids: Where.
            max_count: Counting stops here.

        Returns:
            By conversation, 0 to `max_count`.
        """
        with within(CALL_S):
            entries = self._index.of_conversations(user_id, conversation_ids)
            scans = list(_scans(entries.values(), None))
            while unfinished := [
                scan for scan in scans if not scan.ended and scan.waiting < max_count
            ]:
                self._read_on(unfinished[:MAX_CONCURRENT_READS], partial(_count, user_id))
        waiting = {scan.conversation_id: min(max_count, scan.waiting) for scan in scans}
        return {key: waiting.get(key, 0) for key in conversation_ids}

    def _messages(self, chosen: Sequence[_Waiting]) -> Iterator[Message]:
        """Yield messages of a page with their texts."""
        states: defaultdict[UUID, list[MessageState]] = defaultdict(list)
        for position, state in chosen:
            states[position.conversation_id].append(state)
        # An id is a message's own only within its conversation
        # (docs/adr/0003).
        found = {
            (each.conversation_id, each.message_id): each
            for each in read_texts(self._session, states)
        }
        for position, state in chosen:
            message = found[position.conversation_id, state.message_id]
            # One that was confirmed after it was chosen was waiting at
            # the moment that the page shows.
            yield message._replace(status=state.status, delivered_at=None)

    def _read_on(
        self, scans: Sequence[_Scan], take: Callable[[_Scan, Rows], MessagePosition]
    ) -> None:
        """Read one chunk of each conversation, side by side."""
        sent = [
            (
                scan,
                self._session.submit(
                    Statement.STATES_NEWER_UNTIL, (scan.conversation_id, *_bounds(scan))
                ),
            )
            for scan in scans
        ]
        for scan, answer in sent:
            found = self._session.wait(answer)
            if found:
                scan.at = skip(scan.ranges, take(scan, found))
            scan.ended = len(found) < scan.chunk or scan.at >= scan.until
            scan.chunk = CHUNK


def _keep(user_id: UUID, scan: _Scan, found: Rows) -> MessagePosition:
    """Keep what waits in a chunk; return the position after it."""
    states = [row_mapping.state(row) for row in found]
    scan.found += [
        (
            InboxPosition(state.position.timestamp, scan.conversation_id, state.position.offset),
            state,
        )
        for state in states
        if row_mapping.waits_for(user_id, state)
    ]
    return states[-1].position


def _count(user_id: UUID, scan: _Scan, found: Rows) -> MessagePosition:
    """Count what waits in a chunk; return the position after it."""
    states = [row_mapping.state(row) for row in found]
    scan.waiting += sum(row_mapping.waits_for(user_id, state) for state in states)
    return states[-1].position


def _scans(entries: Iterable[InboxEntry], after: InboxPosition | None) -> Iterator[_Scan]:
    """Start a scan for each entry in which something may wait."""
    for entry in entries:
        start = (
            entry.delivered
            if after is None
            else max(entry.delivered, _position_after(after, entry))
        )
        start = skip(entry.ranges, start)
        if entry.newest > start:
            yield _Scan(entry.conversation_id, start, entry.newest, entry.ranges)


def _position_after(after: InboxPosition, entry: InboxEntry) -> MessagePosition:
    """Return where a page continues in one conversation."""
    if entry.conversation_id == after.conversation_id:
        return MessagePosition(after.timestamp, after.offset)
    comes_later = entry.conversation_id > after.conversation_id
    return MessagePosition(after.timestamp, -1 if comes_later else LAST_OFFSET)


def _unfinished_scans(
    scans: Iterable[_Scan], oldest: Sequence[_Waiting], limit: int
) -> Iterator[_Scan]:
    """Yield the scans that may still find a message of the page."""
    last = oldest[-1][0] if len(oldest) == limit else None
    for scan in scans:
        if not scan.ended and (last is None or _inbox_position(scan) < last):
            yield scan


def _inbox_position(scan: _Scan) -> InboxPosition:
    """Return the least position that a scan may still find."""
    return InboxPosition(scan.at.timestamp, scan.conversation_id, scan.at.offset)


def _bounds(scan: _Scan) -> tuple[int, int, int, int, int]:
    """Return what a scan's next request has after the ids."""
    return scan.at.timestamp, scan.at.offset, scan.until.timestamp, scan.until.offset, scan.chunk
