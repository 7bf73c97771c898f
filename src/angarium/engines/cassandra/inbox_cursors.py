"""How far a user's delivered position in a conversation can move.

With a picture: docs/how/cassandra-inbox.md.
"""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from angarium.domain.message import BEGINNING, MessagePosition
from angarium.engines.cassandra import delivered_ranges, row_mapping
from angarium.engines.cassandra.chain import Chain
from angarium.engines.cassandra.delivered_ranges import DeliveredRange
from angarium.engines.cassandra.row_mapping import InboxEntry, MessageState, Rows
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement

FIRST_CHUNK = 8
"""How many messages the first request reads, besides as many as were
confirmed: one of the next ones mostly waits.
"""

CHUNK = 300
"""The maximum that a request reads. In a conversation that is alone in
its partition, and in which somebody only writes, two requests cover the
messages between two full scans (512 offsets). With the largest texts
they are 3 MB: what a read repairs is written as one mutation, and
Cassandra takes at most half a segment of the commit log, 16 MiB by
default.
"""

MAX_CHUNKS = 4
"""One step reads about 1,000 messages at most, because all answers come
on one thread; the next step goes on from there.
"""

MAX_EXTENDED_RANGES = 16
"""The maximum of ranges that one step extends: other chains wait for
the thread that runs it.
"""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The messages of the last read; the next look at them is free.

    Attributes:
        begin: They follow this position without a gap.
        states: In order.
        at_end: Whether no message follows the last of them.
    """

    begin: MessagePosition
    states: Sequence[MessageState]
    at_end: bool

    def rows_after(self, position: MessagePosition) -> Sequence[MessageState] | None:
        """Return what is known to follow a position.

        Args:
            position: Any position.

        Returns:
            Those of the messages that are after it; None when the next
            ones have not been read.
        """
        if position < self.begin:
            return None
        rest = self.states[bisect_right(self.states, position, key=lambda state: state.position) :]
        return rest if rest or self.at_end else None


class InboxCursorUpdate:
    """One step of one delivered position; used once."""

    def __init__(self, session: CassandraSession, user_id: UUID, entry: InboxEntry) -> None:
        """Start from what the entry says.

        Args:
            session: Asked for the messages after the delivered
                position.
            user_id: Whose position.
            entry: Of one conversation.
        """
        self._session = session
        self._user_id = user_id
        self._conversation_id = entry.conversation_id
        self._chunks_left = MAX_CHUNKS
        self._ranges_left = MAX_EXTENDED_RANGES
        self._first = FIRST_CHUNK
        self._chunk = _Chunk(BEGINNING, (), at_end=False)
        self.delivered = entry.delivered
        self.ranges = entry.ranges

    def run(self, confirmed: Collection[MessagePosition], full_scan: bool) -> Chain[None]:
        """Move the delivered position up to what waits first.

        Confirmed messages after that one become ranges.

        Args:
            confirmed: Durable messages that need no receipt of the user
                any more.
            full_scan: Whether to look for more after the first messages
                that wait.

        Yields:
            The requests to Cassandra.
        """
        if confirmed:
            # What is confirmed now likely follows the delivered
            # position; at a full scan, much else does.
            self._first = CHUNK if full_scan else min(CHUNK, FIRST_CHUNK + len(confirmed))
        self.delivered, waiting = yield from self._scan(self.delivered)
        self.ranges = delivered_ranges.drop_before(self.ranges, self.delivered)
        for position in sorted(confirmed):
            just_before = MessagePosition(position.timestamp, position.offset - 1)
            if (
                position > self.delivered
                and delivered_ranges.skip(self.ranges, just_before) < position
            ):
                yield from self._extend_over(position, just_before)
        if full_scan:
            yield from self._sweep(waiting)

    def _extend_over(self, position: MessagePosition, just_before: MessagePosition) -> Chain[None]:
        """Put a confirmed message into a range."""
        nearest = delivered_ranges.last_before(self.ranges, position)
        for begin in (just_before,) if nearest is None else (nearest, just_before):
            end, _ = yield from self._range_from(begin)
            if end >= position:
                break

    def _sweep(self, waiting: MessagePosition | None) -> Chain[None]:
        """Find ranges that nobody noted, or that were lost."""
        # Where two messages wait in a row, more are likely to: stop.
        while waiting is not None:
            begin = waiting
            end, waiting = yield from self._range_from(begin)
            if end == begin:
                break

    def _range_from(
        self, begin: MessagePosition
    ) -> Chain[tuple[MessagePosition, MessagePosition | None]]:
        """Note the range after a position; return its end."""
        if not self._ranges_left:
            return begin, None
        end, waiting = yield from self._scan(begin)
        if end > begin:
            self._ranges_left -= 1
            self.ranges = delivered_ranges.merge(self.ranges, DeliveredRange(begin, end))
        return end, waiting

    def _scan(
        self, reached: MessagePosition
    ) -> Chain[tuple[MessagePosition, MessagePosition | None]]:
        """Return the position before what waits, and of what waits."""
        reached = delivered_ranges.skip(self.ranges, reached)
        size = self._first
        # The second result is None when no message was met that waits.
        while following := (yield from self._rows_after(reached, size)):
            for state in following:
                if state.position <= reached:
                    continue
                if row_mapping.waits_for(self._user_id, state):
                    return reached, state.position
                reached = delivered_ranges.skip(self.ranges, state.position)
            size = CHUNK
        return reached, None

    def _rows_after(self, reached: MessagePosition, size: int) -> Chain[Sequence[MessageState]]:
        """Return the next messages, none after 4 reads."""
        known = self._chunk.rows_after(reached)
        if known is not None:
            return known
        if not self._chunks_left:
            return ()
        self._chunks_left -= 1
        found = yield self._select(reached, size)
        self._chunk = _Chunk(
            reached, tuple(map(row_mapping.state, found)), at_end=len(found) < size
        )
        return self._chunk.states

    def _select(self, reached: MessagePosition, limit: int) -> "Future[Rows]":
        """Read the next messages, as whole rows (prefix_reads)."""
        bounds = (self._conversation_id, reached.timestamp, reached.offset, limit)
        return self._session.submit(Statement.STATES_NEWER, bounds)
