"""Finding how far a user's marks in a conversation can move."""

from collections.abc import Collection
from concurrent.futures import Future
from uuid import UUID

from angarium.domain.message import Place
from angarium.engines.cassandra import rows, stretches
from angarium.engines.cassandra.rows import InboxEntry, Rows
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.steps import Steps
from angarium.engines.cassandra.stretches import Stretch

FIRST_CHUNK = 8
CHUNK = 128
"""So many messages are looked at in one request, first and then: mostly one of the first ones waits."""

MOST_CHUNKS = 8
"""One step takes marks over some 1,000 messages at most; the next one goes on from there."""


class Advance:
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
        self._chunks = MOST_CHUNKS
        self.delivered = entry.delivered
        self.stretches = entry.stretches

    def run(self, settled: Collection[Place], thoroughly: bool) -> Steps[None]:
        """Move the delivered place up to the first message that waits, and note what is settled behind it.

        Args:
            settled: Messages that need no receipt of the user any more, durable ones.
            thoroughly: Whether to look for more behind the first messages that wait.

        Yields:
            What is asked of Cassandra.
        """
        self.delivered, waiting = yield from self._walk(self.delivered)
        self.stretches = stretches.behind(self.stretches, self.delivered)
        for place in sorted(settled):
            just_before = Place(place.timestamp, place.offset - 1)
            if place > self.delivered and stretches.beyond(self.stretches, just_before) < place:
                yield from self._stretch_over(place, just_before)
        if thoroughly:
            yield from self._sweep(waiting)

    def _stretch_over(self, place: Place, just_before: Place) -> Steps[None]:
        nearest = stretches.last_before(self.stretches, place)
        for begin in (just_before,) if nearest is None else (nearest, just_before):
            end, _ = yield from self._stretch_from(begin)
            if end >= place:
                break

    def _sweep(self, waiting: Place | None) -> Steps[None]:
        # For stretches that nobody noted, or that were lost. Where two wait in a row, many are likely to.
        while waiting is not None:
            begin = waiting
            end, waiting = yield from self._stretch_from(begin)
            if end == begin:
                break

    def _stretch_from(self, begin: Place) -> Steps[tuple[Place, Place | None]]:
        end, waiting = yield from self._walk(begin)
        if end > begin:
            self.stretches = stretches.joined(self.stretches, Stretch(begin, end))
        return end, waiting

    def _walk(self, mark: Place) -> Steps[tuple[Place, Place | None]]:
        # Gives the last place before one that waits, and that one when it was met.
        mark = stretches.beyond(self.stretches, mark)
        size = FIRST_CHUNK
        while self._chunks:
            self._chunks -= 1
            chunk = yield self._ask(mark, size)
            for state in map(rows.state, chunk):
                if state.place <= mark:
                    continue
                if rows.waits_for(self._user_id, state):
                    return mark, state.place
                mark = stretches.beyond(self.stretches, state.place)
            if len(chunk) < size:
                break
            size = CHUNK
        return mark, None

    def _ask(self, mark: Place, most: int) -> "Future[Rows]":
        behind = (self._conversation_id, mark.timestamp, mark.offset, most)
        return self._session.submit(Statement.STATES_NEWER, behind)
