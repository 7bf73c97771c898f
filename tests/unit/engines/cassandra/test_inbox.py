"""An inbox is read within bounds whatever was confirmed in whatever
order, and hides nothing that waits.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.message import InboxPosition, Message, MessagePosition
from angarium.engines.cassandra import (
    delivered_ranges,
    inbox_cursors,
    inbox_reader,
    message_writer,
)
from angarium.engines.cassandra.chain import run_chain
from angarium.engines.cassandra.delivered_ranges import DeliveredRange, DeliveredRanges
from angarium.engines.cassandra.inbox_index import InboxIndex
from angarium.engines.cassandra.inbox_reader import InboxReader
from angarium.engines.cassandra.message_writer import FULL_SCAN_EVERY, CassandraMessageWriter
from angarium.engines.cassandra.statements import Statement
from tests.contract.ports.chat import START, Chat, mark, receipt, record
from tests.unit.engines.cassandra.tables import SlowSession, Tables

GROUP = 64
PAGE = 101
MAX_COUNTED = 100

SENT = st.lists(st.tuples(st.booleans(), st.sampled_from([0, 0, 1])), min_size=1, max_size=6)
CONFIRMED = st.lists(st.integers(0, 40), min_size=1, max_size=5)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), SENT),
        st.tuples(st.just("confirm"), CONFIRMED),
        st.tuples(st.just("repeat"), CONFIRMED),
        st.tuples(st.just("stand"), st.integers(0, 40)),
        st.tuples(st.just("forget"), st.none()),
    ),
    max_size=15,
)


class Town:
    """Two people, the tables, and what a reader has to see of them."""

    def __init__(self) -> None:
        self.chat = Chat()
        self.tables = Tables()
        self.recorder = CassandraMessageWriter(self.tables.as_session())
        self.pending = InboxReader(self.tables.as_session())
        self.messages: list[Message] = []
        self.confirmed: set[UUID] = set()
        self.time = START

    def send(self, *messages: Message) -> None:
        for start in range(0, len(messages), GROUP):
            record(self.recorder, *messages[start : start + GROUP])
        self.messages += messages
        self.time = max(self.time, messages[-1].position.timestamp)

    def confirm(self, *messages: Message) -> None:
        self.time += 1
        mark(self.recorder, self.chat, *(receipt(each, self.time) for each in messages))
        self.confirmed.update(each.message_id for each in messages)

    def waiting(self, user_id: UUID) -> list[Message]:
        return [
            each
            for each in self.messages
            if each.recipient_id == user_id and each.message_id not in self.confirmed
        ]

    def inbox(self, user_id: UUID, after: Message | None = None) -> list[UUID]:
        position = self.chat.position(after) if after else None
        return [each.message_id for each in self.pending.inbox(user_id, position, PAGE)]

    def count(self, user_id: UUID) -> int:
        return self.pending.counts(user_id, [self.chat.conversation_id], MAX_COUNTED)[
            self.chat.conversation_id
        ]

    def requests(self, call: Callable[[], object]) -> int:
        before = len(self.tables.asked)
        call()
        return len(self.tables.asked) - before

    def check(self) -> None:
        for user_id in (self.chat.alice, self.chat.bob):
            waiting = self.waiting(user_id)
            ids = [each.message_id for each in waiting]
            assert self.inbox(user_id) == ids[:PAGE]
            assert self.count(user_id) == min(MAX_COUNTED, len(ids))
            for number, message in list(enumerate(waiting))[::5]:
                assert self.inbox(user_id, after=message) == ids[number + 1 :][:PAGE]


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def small() -> Iterator[None]:
    """Make all bounds so small that a few messages reach them."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (inbox_cursors, "FIRST_CHUNK", 2),
            (inbox_cursors, "CHUNK", 3),
            (inbox_cursors, "MAX_CHUNKS", 3),
            (inbox_reader, "CHUNK", 2),
            (delivered_ranges, "MAX_RANGES", 2),
            (message_writer, "FULL_SCAN_EVERY", 3),
        ):
            patch.setattr(module, name, value)
        yield


@pytest.mark.usefixtures("small")
@given(EVENTS)
def test_whatever_is_sent_confirmed_repeated_and_lost_what_waits_is_found(
    events: list[tuple[str, object]],
) -> None:
    town = Town()
    for event, what in events:
        happen(town, event, what)
        town.check()


def happen(town: Town, event: str, what: object) -> None:
    chat, tables = town.chat, town.tables
    if event == "send":
        messages = []
        for from_bob, later in what:  # type: ignore[attr-defined]
            town.time += later
            messages.append(
                chat.message(sender=chat.bob if from_bob else chat.alice, at=town.time)
            )
        town.send(*messages)
    elif event in ("confirm", "repeat") and town.messages:
        numbers: Sequence[int] = what  # type: ignore[assignment]
        chosen = {number % len(town.messages): None for number in numbers}
        for each in [town.messages[number] for number in chosen]:
            if event == "confirm" or each.message_id in town.confirmed:
                # A repeated one comes from the beginning of the log, as
                # in a replay.
                at = town.time if event == "confirm" else START
                mark(town.recorder, chat, receipt(each, at, each.recipient_id))
                town.confirmed.add(each.message_id)
    elif event == "stand" and tables.noted:
        # Any ranges that somebody ever noted may come to stand, as a
        # zombie's or a restored backup's.
        user_id, conversation_id, noted, _ = tables.noted[what % len(tables.noted)]  # type: ignore[operator]
        tables.inboxes.forget("stretches")
        tables.note_ranges(user_id, conversation_id, noted, START)  # type: ignore[arg-type]
    elif event == "forget":
        tables.inboxes.forget("stretches")


ORDERS: dict[str, Callable[[list[Message]], list[list[Message]]]] = {
    "one by one": lambda messages: [[each] for each in messages],
    "a hundred at once": lambda messages: [
        messages[at : at + 100] for at in range(0, len(messages), 100)
    ],
    "newest first": lambda messages: [
        messages[at : at + 100] for at in range(len(messages) - 100, -1, -100)
    ],
    "every other one first": lambda messages: [
        *([each] for each in messages[::2]),
        *([each] for each in messages[1::2]),
    ],
}


@pytest.mark.parametrize("order", ORDERS)
def test_one_message_that_is_never_confirmed_makes_no_read_longer(town: Town, order: str) -> None:
    lost, *others = town.chat.messages(301)
    town.send(lost, *others)
    for batch in ORDERS[order](others):
        asked = town.requests(lambda batch=batch: town.confirm(*batch))  # type: ignore[misc]
        assert asked <= 6 + inbox_cursors.MAX_CHUNKS
    assert town.requests(town_reads(town, [lost])) <= 6


def town_reads(town: Town, expected: list[Message]) -> Callable[[], None]:
    def read() -> None:
        assert town.inbox(town.chat.bob) == [each.message_id for each in expected][:PAGE]
        assert town.count(town.chat.bob) == min(MAX_COUNTED, len(expected))

    return read


def test_messages_that_come_and_are_confirmed_in_turn_behind_a_lost_one_are_skipped(
    town: Town,
) -> None:
    lost = town.chat.message()
    town.send(lost)
    for _ in range(200):
        message = town.chat.message()
        town.send(message)
        assert town.requests(lambda message=message: town.confirm(message)) <= 8  # type: ignore[misc]
    assert town.requests(town_reads(town, [lost])) <= 6


def test_what_one_writes_oneself_behind_a_lost_message_is_skipped(town: Town) -> None:
    lost = town.chat.message()
    town.send(lost)
    for _ in range(100):
        town.send(*(town.chat.message(sender=town.chat.bob) for _ in range(10)))
    town.send(last := town.chat.message())
    # Behind the last mark there may be all but one of 512 messages, 64
    # to a request.
    assert town.requests(town_reads(town, [lost, last])) <= 22


MARKING = frozenset(
    {
        Statement.INBOX_OF,
        Statement.STATES_NEWER,
        Statement.NOTE_DELIVERED,
        Statement.NOTE_RANGES,
    }
)


def test_a_talk_in_which_one_only_writes_costs_few_requests_for_its_marks(town: Town) -> None:
    town.send(*town.chat.messages(8 * FULL_SCAN_EVERY))
    asked = [each for each in town.tables.asked if each in MARKING]
    assert len(asked) <= 8 * 6


def test_receipts_for_the_oldest_that_wait_take_one_look_at_what_follows(town: Town) -> None:
    messages = town.chat.messages(200)
    town.send(*messages)
    town.tables.asked.clear()
    town.confirm(*messages[:100])
    asked = [each for each in town.tables.asked if each in MARKING]
    assert asked == [Statement.INBOX_OF, Statement.STATES_NEWER, Statement.NOTE_DELIVERED]


def test_looking_behind_what_waits_asks_for_no_message_twice(town: Town) -> None:
    lost, *others = town.chat.messages(inbox_cursors.FIRST_CHUNK - 1)
    town.send(lost, *others)
    town.confirm(*others[:2], *others[3:])
    town.tables.inboxes.forget("stretches")
    town.tables.asked.clear()
    run_chain(
        InboxIndex(town.tables.as_session()).advance(
            town.chat.conversation_id, {town.chat.bob: []}, town.time, full_scan=True
        )
    ).result(0)
    assert town.tables.asked == [
        Statement.INBOX_OF,
        Statement.STATES_NEWER,
        Statement.NOTE_RANGES,
    ]
    assert town.requests(town_reads(town, [lost, others[2]])) <= 6


def test_both_peoples_marks_are_looked_up_at_once(town: Town) -> None:
    session = SlowSession(town.tables)
    settled: dict[UUID, list[MessagePosition]] = {town.chat.alice: [], town.chat.bob: []}
    advanced = run_chain(
        InboxIndex(session.as_session()).advance(town.chat.conversation_id, settled, START)
    )
    assert town.tables.asked == [Statement.INBOX_OF, Statement.INBOX_OF]
    assert not advanced.done()


def test_one_call_looks_at_so_many_messages_and_no_more(town: Town) -> None:
    messages = town.chat.messages(inbox_cursors.CHUNK * (inbox_cursors.MAX_CHUNKS + 1))
    town.send(*messages)
    town.tables.asked.clear()
    town.confirm(*messages)
    assert town.tables.asked.count(Statement.STATES_NEWER) == inbox_cursors.MAX_CHUNKS


@pytest.mark.parametrize("at_once", [True, False], ids=["receipts", "a mark"])
def test_one_call_extends_so_many_stretches_and_no_more(
    town: Town, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = town.chat.messages(inbox_cursors.CHUNK)
    every_other = messages[1::2]
    town.send(*messages)
    if not at_once:
        town.confirm(*every_other)
        town.tables.inboxes.forget("stretches")
    extended: list[DeliveredRange] = []
    joined = delivered_ranges.merge

    def noticed(known: DeliveredRanges, found: DeliveredRange) -> DeliveredRanges:
        extended.append(found)
        return joined(known, found)

    monkeypatch.setattr(delivered_ranges, "merge", noticed)
    if at_once:
        town.confirm(*every_other)
    else:
        town.send(*town.chat.messages(FULL_SCAN_EVERY))
    assert len(extended) == inbox_cursors.MAX_EXTENDED_RANGES


def test_some_lost_messages_cost_some_requests_each(town: Town) -> None:
    messages = town.chat.messages(2_000)
    town.send(*messages)
    lost = messages[::400]
    for start in range(0, len(messages), 100):
        town.confirm(*(each for each in messages[start : start + 100] if each not in lost))
    assert town.requests(town_reads(town, lost)) <= 5 * len(lost)


def test_a_backlog_that_nobody_reads_does_not_keep_what_is_confirmed_behind_it_from_being_skipped(
    town: Town,
) -> None:
    backlog = town.chat.messages(150)
    town.send(*backlog)
    for _ in range(200):
        message = town.chat.message()
        town.send(message)
        town.confirm(message)
    last = town.chat.message()
    town.send(last)
    page = town.requests(lambda: town.inbox(town.chat.bob, after=backlog[100]))
    assert town.inbox(town.chat.bob, after=backlog[100])[-1] == last.message_id
    assert page <= 6


def test_a_history_without_stretches_gets_them_as_messages_come(town: Town) -> None:
    lost, *others = town.chat.messages(900)
    town.send(lost, *others)
    town.confirm(*others)
    town.tables.inboxes.forget("stretches")
    later = town.chat.messages(2 * FULL_SCAN_EVERY)
    town.send(*later)
    assert town.requests(lambda: town.inbox(town.chat.bob)) <= 5


def test_when_the_lost_message_is_confirmed_at_last_nothing_is_read_any_more(town: Town) -> None:
    lost, *others = town.chat.messages(1_000)
    town.send(lost, *others)
    for start in range(0, len(others), 100):
        town.confirm(*others[start : start + 100])
    town.confirm(lost)
    assert town.requests(lambda: town.inbox(town.chat.bob)) == 1
    assert town.requests(lambda: town.count(town.chat.bob)) == 1
    assert town.tables.noted[-1][2] == []


def test_counting_hands_over_no_text(town: Town) -> None:
    text = "a text that nobody counts"
    town.send(*(town.chat.message(text) for _ in range(300)))
    town.tables.answered.clear()
    assert town.count(town.chat.bob) == MAX_COUNTED
    assert text not in str(town.tables.answered)
    assert Statement.NEWER_UNTIL not in town.tables.asked


def test_places_of_one_millisecond_are_told_apart(town: Town) -> None:
    lost, *others = town.chat.messages(300, at=START)
    town.send(lost, *others)
    town.confirm(*others)
    assert town.inbox(town.chat.bob) == [lost.message_id]
    position = InboxPosition(START, town.chat.conversation_id, 150)
    assert list(town.pending.inbox(town.chat.bob, position, PAGE)) == []
