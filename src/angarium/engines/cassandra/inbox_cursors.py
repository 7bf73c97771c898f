"""Finding how far a user's marks in a conversation can move."""

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
"""So many messages are looked at in the first request, and as many as
were confirmed: one of the next ones mostly waits.
"""

CHUNK = 300
"""So many are looked at in a request at most. In a conversation that is
alone in its partition, and in which somebody only writes, two reach
over what comes between two marks. With the largest texts they are 3 MB:
what a read repairs is written in one piece, at most half a segment of
the commit log, 16 MiB by default.
"""

MAX_CHUNKS = 4
"""One step takes marks over some 1,000 messages at most; the next one
goes on from there.
"""

MAX_FOUND = 16
"""So many stretches are extended in one step: others wait for the
thread that does it.
"""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Messages that were looked at last: all from behind a place up to
    the last of them, or to the end.
    """

    begin: MessagePosition
    states: Sequence[MessageState]
    at_end: bool

    def rows_after(self, position: MessagePosition) -> Sequence[MessageState] | None:
        """Give what follows a place.

        Args:
            position: Anywhere.

        Returns:
            Those of them that are behind it; None when others, not
            looked at, come next.
        """
        if position < self.begin:
            return None
        rest = self.states[bisect_right(self.states, position, key=lambda state: state.position) :]
        return rest if rest or self.at_end else None


class InboxCursorUpdate:
    """One step of one user's marks; used once."""

    def __init__(self, session: CassandraSession, user_id: UUID, entry: InboxEntry) -> None:
        """Start from what is known.

        Args:
            session: To ask.
            user_id: Whose marks.
            entry: Where they are.
        """
        self._session = session
        self._user_id = user_id
        self._conversation_id = entry.conversation_id
        self._chunks = MAX_CHUNKS
        self._to_find = MAX_FOUND
        self._first = FIRST_CHUNK
        self._chunk = _Chunk(BEGINNING, (), at_end=False)
        self.delivered = entry.delivered
        self.stretches = entry.stretches

    def run(self, settled: Collection[MessagePosition], thoroughly: bool) -> Chain[None]:
        """Move the delivered place up to the first message that waits,
        and note what is settled behind it.

        Args:
            settled: Messages that need no receipt of the user any more,
                durable ones.
            thoroughly: Whether to look for more behind the first
                messages that wait.

        Yields:
            What is asked of Cassandra.
        """
        if settled:
            # What is settled now likely follows the mark, and every so
            # often much else does.
            self._first = CHUNK if thoroughly else min(CHUNK, FIRST_CHUNK + len(settled))
        self.delivered, waiting = yield from self._scan(self.delivered)
        self.stretches = delivered_ranges.drop_before(self.stretches, self.delivered)
        for position in sorted(settled):
            just_before = MessagePosition(position.timestamp, position.offset - 1)
            if (
                position > self.delivered
                and delivered_ranges.skip(self.stretches, just_before) < position
            ):
                yield from self._extend_over(position, just_before)
        if thoroughly:
            yield from self._sweep(waiting)

    def _extend_over(self, position: MessagePosition, just_before: MessagePosition) -> Chain[None]:
        nearest = delivered_ranges.last_before(self.stretches, position)
        for begin in (just_before,) if nearest is None else (nearest, just_before):
            end, _ = yield from self._range_from(begin)
            if end >= position:
                break

    def _sweep(self, waiting: MessagePosition | None) -> Chain[None]:
        # For stretches that nobody noted, or that were lost. Where two
        # wait in a row, many are likely to.
        while waiting is not None:
            begin = waiting
            end, waiting = yield from self._range_from(begin)
            if end == begin:
                break

    def _range_from(
        self, begin: MessagePosition
    ) -> Chain[tuple[MessagePosition, MessagePosition | None]]:
        if not self._to_find:
            return begin, None
        end, waiting = yield from self._scan(begin)
        if end > begin:
            self._to_find -= 1
            self.stretches = delivered_ranges.merge(self.stretches, DeliveredRange(begin, end))
        return end, waiting

    def _scan(
        self, mark: MessagePosition
    ) -> Chain[tuple[MessagePosition, MessagePosition | None]]:
        # Gives the last place before one that waits, and that one when
        # it was met.
        mark = delivered_ranges.skip(self.stretches, mark)
        size = self._first
        while following := (yield from self._rows_after(mark, size)):
            for state in following:
                if state.position <= mark:
                    continue
                if row_mapping.waits_for(self._user_id, state):
                    return mark, state.position
                mark = delivered_ranges.skip(self.stretches, state.position)
            size = CHUNK
        return mark, None

    def _rows_after(self, mark: MessagePosition, size: int) -> Chain[Sequence[MessageState]]:
        # Gives nothing at the end, and when enough was asked.
        known = self._chunk.rows_after(mark)
        if known is not None:
            return known
        if not self._chunks:
            return ()
        self._chunks -= 1
        found = yield self._select(mark, size)
        self._chunk = _Chunk(mark, tuple(map(row_mapping.state, found)), at_end=len(found) < size)
        return self._chunk.states

    def _select(self, mark: MessagePosition, most: int) -> "Future[Rows]":
        behind = (self._conversation_id, mark.timestamp, mark.offset, most)
        return self._session.submit(Statement.STATES_NEWER, behind)
