"""What a user has not confirmed yet, found behind the marks of their
inbox.

Texts are read last, of what a page has room for: looking at one message
after the other, a page may look at thousands.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from angarium.engines.cassandra.session import CALL_SECONDS, CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.texts import read_texts

AT_ONCE = 64
"""So many conversations are read side by side."""

FIRST_CHUNK = 16
CHUNK = 64
"""So many messages of a conversation are looked at in one request,
first and then.
"""


_Waiting = tuple[InboxPosition, MessageState]
"""A message that waits, with its place in the inbox."""


@dataclass(slots=True)
class _Scan:
    """A conversation that is read on from a place, as far as it is
    needed.

    It may start between any two messages: up to the newest that was
    noted, all are on enough replicas.
    """

    conversation_id: UUID
    at: MessagePosition
    until: MessagePosition
    stretches: DeliveredRanges
    chunk: int = FIRST_CHUNK
    ended: bool = False
    waiting: int = 0
    found: list[_Waiting] = field(default_factory=list)


class InboxReader:
    """Reads conversations from their marks on and keeps what is
    addressed to the user and not DELIVERED.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._inboxes = InboxIndex(session)

    def inbox(
        self, recipient_id: UUID, after: InboxPosition | None, limit: int
    ) -> Sequence[Message]:
        """Read over all conversations of a user.

        Args:
            recipient_id: To whom.
            after: Strictly after this place; None starts from the
                oldest.
            limit: At most so many.

        Returns:
            Oldest first, by `InboxPosition`.
        """
        with within(CALL_SECONDS):
            walks = sorted(
                _scans(self._inboxes.of_user(recipient_id), after),
                key=lambda walk: (walk.at, walk.conversation_id),
            )
            oldest: list[_Waiting] = []
            while behind := list(islice(_scans_short_of(walks, oldest, limit), AT_ONCE)):
                self._continue(behind, partial(_keep, recipient_id))
                for walk in behind:
                    oldest += walk.found
                    walk.found.clear()
                oldest.sort(key=itemgetter(0))
                del oldest[limit:]
            return read_one_page(self._messages(oldest))

    def counts(
        self, user_id: UUID, conversation_ids: Sequence[UUID], most: int
    ) -> Mapping[UUID, int]:
        """Count what waits in some conversations.

        Args:
            user_id: For whom.
            conversation_ids: Where.
            most: Counted no further than this.

        Returns:
            By conversation.
        """
        with within(CALL_SECONDS):
            entries = self._inboxes.of_conversations(user_id, conversation_ids)
            walks = list(_scans(entries.values(), None))
            while behind := [walk for walk in walks if not walk.ended and walk.waiting < most]:
                self._continue(behind[:AT_ONCE], partial(_count, user_id))
        waiting = {walk.conversation_id: min(most, walk.waiting) for walk in walks}
        return {key: waiting.get(key, 0) for key in conversation_ids}

    def _messages(self, chosen: Sequence[_Waiting]) -> Iterator[Message]:
        """Yield messages of a page with their texts."""
        states: defaultdict[UUID, list[MessageState]] = defaultdict(list)
        for position, state in chosen:
            states[position.conversation_id].append(state)
        found = {each.message_id: each for each in read_texts(self._session, states)}
        for _, state in chosen:
            # One that was confirmed since it was chosen waited at the
            # moment that the page shows.
            yield replace(found[state.message_id], status=state.status, delivered_at=None)

    def _continue(
        self, walks: Sequence[_Scan], take: Callable[[_Scan, Rows], MessagePosition]
    ) -> None:
        asked = [
            (
                walk,
                self._session.submit(
                    Statement.STATES_NEWER_UNTIL, (walk.conversation_id, *_from(walk))
                ),
            )
            for walk in walks
        ]
        for walk, answer in asked:
            found = self._session.wait(answer)
            if found:
                walk.at = skip(walk.stretches, take(walk, found))
            walk.ended = len(found) < walk.chunk or walk.at >= walk.until
            walk.chunk = CHUNK


def _keep(user_id: UUID, walk: _Scan, found: Rows) -> MessagePosition:
    states = [row_mapping.state(row) for row in found]
    walk.found += [
        (
            InboxPosition(state.position.timestamp, walk.conversation_id, state.position.offset),
            state,
        )
        for state in states
        if row_mapping.waits_for(user_id, state)
    ]
    return states[-1].position


def _count(user_id: UUID, walk: _Scan, found: Rows) -> MessagePosition:
    states = [row_mapping.state(row) for row in found]
    walk.waiting += sum(row_mapping.waits_for(user_id, state) for state in states)
    return states[-1].position


def _scans(entries: Iterable[InboxEntry], after: InboxPosition | None) -> Iterator[_Scan]:
    for entry in entries:
        start = (
            entry.delivered
            if after is None
            else max(entry.delivered, _positions_after(after, entry))
        )
        start = skip(entry.stretches, start)
        if entry.newest > start:
            yield _Scan(entry.conversation_id, start, entry.newest, entry.stretches)


def _positions_after(after: InboxPosition, entry: InboxEntry) -> MessagePosition:
    if entry.conversation_id == after.conversation_id:
        return MessagePosition(after.timestamp, after.offset)
    comes_later = entry.conversation_id > after.conversation_id
    return MessagePosition(after.timestamp, -1 if comes_later else LAST_OFFSET)


def _scans_short_of(
    walks: Iterable[_Scan], oldest: Sequence[_Waiting], limit: int
) -> Iterator[_Scan]:
    # Those in which a message may follow that is older than the last
    # one of a full page.
    last = oldest[-1][0] if len(oldest) == limit else None
    for walk in walks:
        if not walk.ended and (last is None or _at(walk) < last):
            yield walk


def _at(walk: _Scan) -> InboxPosition:
    return InboxPosition(walk.at.timestamp, walk.conversation_id, walk.at.offset)


def _from(walk: _Scan) -> tuple[int, int, int, int, int]:
    return walk.at.timestamp, walk.at.offset, walk.until.timestamp, walk.until.offset, walk.chunk
