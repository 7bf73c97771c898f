"""Readers see prefixes, whichever messages have reached one copy alone.

A read finds what a single copy has, and Cassandra then brings what was
read, and nothing else, to the others. The next reader, who asks only
those, must not see a message without all of them before it.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import BEGINNING, LAST_OFFSET, InboxPosition, Message, MessagePosition
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.statements import Statement
from tests.contract.ports.chat import START, Chat, record
from tests.unit.engines.cassandra.failing_sessions import FailingOnce
from tests.unit.engines.cassandra.tables import Tables, Values

PER_MILLISECOND = 4
"""Messages that share a moment: one that a client names may lie
anywhere in a mutation.
"""


class Copies(Tables):
    """Tables that know which messages are on all copies: those written
    in full, and those that were read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.everywhere: set[UUID] = set()

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        answer = super().submit(statement, parameters)
        if " FROM $keyspace.messages " in statement.value:
            self.everywhere.update(row[0] for row in answer.result(0))  # type: ignore[misc]
        return answer


class Torn:
    """A conversation whose last mutation has reached one copy of
    three.
    """

    def __init__(self, before: int, torn: int) -> None:
        self.chat = Chat()
        self.copies = Copies()
        self.reader = CassandraMessageReader(self.copies.as_session())
        total = before + torn
        self.messages = [
            self.chat.message(at=START + number // PER_MILLISECOND) for number in range(total)
        ]
        for start in range(0, before, ROWS_PER_MUTATION):
            record(
                CassandraMessageWriter(self.copies.as_session()),
                *self.messages[start : min(before, start + ROWS_PER_MUTATION)],
            )
        if torn:
            dying = FailingOnce(self.copies, Statement.ADD_MESSAGE, is_done=True).as_session()
            stored = CassandraMessageWriter(dying).record(
                self.chat.conversation_id, self.messages[before:]
            )
            assert isinstance(stored.exception(0), StoreUnavailable)
        self.copies.everywhere = {each.message_id for each in self.messages[:before]}

    def seen_by_others(self) -> list[Message]:
        return [each for each in self.messages if each.message_id in self.copies.everywhere]


Read = Callable[[Torn, int, int], Sequence[Message]]


def _from_moment(torn: Torn, limit: int, at: int) -> Sequence[Message]:
    moment = MessagePosition(START + at // PER_MILLISECOND, LAST_OFFSET)
    return torn.reader.newer(torn.chat.conversation_id, moment, limit)


def _inbox(torn: Torn, limit: int, at: int) -> Sequence[Message]:
    # A place in another conversation names any moment of this one.
    after = InboxPosition(START + at // PER_MILLISECOND, uuid4(), 0) if at else None
    return torn.reader.inbox(torn.chat.bob, after, limit)


def _summary(torn: Torn, _limit: int, _at: int) -> Sequence[Message]:
    last = torn.reader.summaries(torn.chat.bob, [torn.chat.conversation_id])[
        torn.chat.conversation_id
    ]
    return [last.last_message] if last.last_message else []


def _find(torn: Torn, limit: int, at: int) -> Sequence[Message]:
    wanted = [each.message_id for each in torn.messages[at : at + limit]]
    return list(torn.reader.find(torn.chat.conversation_id, wanted).values()) if wanted else []


READS: dict[str, Read] = {
    "the newest": lambda torn, limit, _: torn.reader.older(torn.chat.conversation_id, None, limit),
    "the oldest": lambda torn, limit, _: torn.reader.newer(
        torn.chat.conversation_id, BEGINNING, limit
    ),
    "since a moment": _from_moment,
    "the inbox": _inbox,
    "a summary": _summary,
    "by id": _find,
}
"""Every way into a conversation."""


@pytest.mark.parametrize("way", READS)
@given(
    before=st.integers(0, 2 * ROWS_PER_MUTATION),
    torn=st.integers(0, ROWS_PER_MUTATION),
    limit=st.integers(1, ROWS_PER_MUTATION + 4),
    at=st.integers(0, 3 * ROWS_PER_MUTATION),
    older=st.booleans(),
)
def test_what_one_read_brings_to_the_other_copies_is_a_prefix(
    way: str, before: int, torn: int, limit: int, at: int, older: bool
) -> None:
    conversation = Torn(before, torn)
    shown = READS[way](conversation, limit, at)
    seen = conversation.seen_by_others()
    assert seen == conversation.messages[: len(seen)]
    if shown and way != "by id":
        # Walking on from what was shown, either way.
        page = sorted(shown, key=lambda each: each.position)
        identifier = conversation.chat.conversation_id
        if older:
            conversation.reader.older(identifier, page[0].position, limit)
        else:
            conversation.reader.newer(identifier, page[-1].position, limit)
        seen = conversation.seen_by_others()
        assert seen == conversation.messages[: len(seen)]


def test_an_inbox_ends_with_the_newest_message_that_is_known_to_be_on_enough_copies() -> None:
    conversation = Torn(before=3, torn=2)
    durable = conversation.messages[:3]
    assert list(conversation.reader.inbox(conversation.chat.bob, None, 10)) == durable
    after = conversation.chat.position(durable[0])
    assert list(conversation.reader.inbox(conversation.chat.bob, after, 10)) == durable[1:]
    assert conversation.seen_by_others() == durable
