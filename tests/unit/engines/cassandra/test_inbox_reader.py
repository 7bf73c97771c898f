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


class InboxModel:
    """Two people, the tables, and what a reader has to see of them."""

    def __init__(self) -> None:
        self.chat = Chat()
        self.tables = Tables()
        self.message_writer = CassandraMessageWriter(self.tables.as_session())
        self.pending = InboxReader(self.tables.as_session())
        self.messages: list[Message] = []
        self.confirmed: set[UUID] = set()
        self.time = START

    def send(self, *messages: Message) -> None:
        for start in range(0, len(messages), GROUP):
            record(self.message_writer, *messages[start : start + GROUP])
        self.messages += messages
        self.time = max(self.time, messages[-1].position.timestamp)

    def confirm(self, *messages: Message) -> None:
        self.time += 1
        mark(self.message_writer, self.chat, *(receipt(each, self.time) for each in messages))
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
def model() -> InboxModel:
    return InboxModel()


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
    model = InboxModel()
    for event, what in events:
        happen(model, event, what)
        model.check()


def happen(model: InboxModel, event: str, what: object) -> None:
    chat, tables = model.chat, model.tables
    if event == "send":
        messages = []
        for from_bob, later in what:  # type: ignore[attr-defined]
            model.time += later
            messages.append(
                chat.message(sender=chat.bob if from_bob else chat.alice, at=model.time)
            )
        model.send(*messages)
    elif event in ("confirm", "repeat") and model.messages:
        numbers: Sequence[int] = what  # type: ignore[assignment]
        chosen = {number % len(model.messages): None for number in numbers}
        for each in [model.messages[number] for number in chosen]:
            if event == "confirm" or each.message_id in model.confirmed:
                # A repeated one comes from the beginning of the log, as
                # in a replay.
                at = model.time if event == "confirm" else START
                mark(model.message_writer, chat, receipt(each, at, each.recipient_id))
                model.confirmed.add(each.message_id)
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
def test_one_message_that_is_never_confirmed_makes_no_read_longer(
    model: InboxModel, order: str
) -> None:
    lost, *others = model.chat.messages(301)
    model.send(lost, *others)
    for batch in ORDERS[order](others):
        asked = model.requests(lambda batch=batch: model.confirm(*batch))  # type: ignore[misc]
        assert asked <= 6 + inbox_cursors.MAX_CHUNKS
    assert model.requests(town_reads(model, [lost])) <= 6


def town_reads(model: InboxModel, expected: list[Message]) -> Callable[[], None]:
    def read() -> None:
        assert model.inbox(model.chat.bob) == [each.message_id for each in expected][:PAGE]
        assert model.count(model.chat.bob) == min(MAX_COUNTED, len(expected))

    return read


def test_messages_that_come_and_are_confirmed_in_turn_behind_a_lost_one_are_skipped(
    model: InboxModel,
) -> None:
    lost = model.chat.message()
    model.send(lost)
    for _ in range(200):
        message = model.chat.message()
        model.send(message)
        assert model.requests(lambda message=message: model.confirm(message)) <= 8  # type: ignore[misc]
    assert model.requests(town_reads(model, [lost])) <= 6


def test_what_one_writes_oneself_behind_a_lost_message_is_skipped(model: InboxModel) -> None:
    lost = model.chat.message()
    model.send(lost)
    for _ in range(100):
        model.send(*(model.chat.message(sender=model.chat.bob) for _ in range(10)))
    model.send(last := model.chat.message())
    # Behind the last mark there may be all but one of 512 messages, 64
    # to a request.
    assert model.requests(town_reads(model, [lost, last])) <= 22


MARKING = frozenset(
    {
        Statement.INBOX_OF,
        Statement.STATES_NEWER,
        Statement.NOTE_DELIVERED,
        Statement.NOTE_RANGES,
    }
)


def test_a_talk_in_which_one_only_writes_costs_few_requests_for_its_marks(
    model: InboxModel,
) -> None:
    model.send(*model.chat.messages(8 * FULL_SCAN_EVERY))
    asked = [each for each in model.tables.asked if each in MARKING]
    assert len(asked) <= 8 * 6


def test_receipts_for_the_oldest_that_wait_take_one_look_at_what_follows(
    model: InboxModel,
) -> None:
    messages = model.chat.messages(200)
    model.send(*messages)
    model.tables.asked.clear()
    model.confirm(*messages[:100])
    asked = [each for each in model.tables.asked if each in MARKING]
    assert asked == [Statement.INBOX_OF, Statement.STATES_NEWER, Statement.NOTE_DELIVERED]


def test_looking_behind_what_waits_asks_for_no_message_twice(model: InboxModel) -> None:
    lost, *others = model.chat.messages(inbox_cursors.FIRST_CHUNK - 1)
    model.send(lost, *others)
    model.confirm(*others[:2], *others[3:])
    model.tables.inboxes.forget("stretches")
    model.tables.asked.clear()
    run_chain(
        InboxIndex(model.tables.as_session()).advance(
            model.chat.conversation_id, {model.chat.bob: []}, model.time, full_scan=True
        )
    ).result(0)
    assert model.tables.asked == [
        Statement.INBOX_OF,
        Statement.STATES_NEWER,
        Statement.NOTE_RANGES,
    ]
    assert model.requests(town_reads(model, [lost, others[2]])) <= 6


def test_both_peoples_marks_are_looked_up_at_once(model: InboxModel) -> None:
    session = SlowSession(model.tables)
    settled: dict[UUID, list[MessagePosition]] = {model.chat.alice: [], model.chat.bob: []}
    advanced = run_chain(
        InboxIndex(session.as_session()).advance(model.chat.conversation_id, settled, START)
    )
    assert model.tables.asked == [Statement.INBOX_OF, Statement.INBOX_OF]
    assert not advanced.done()


def test_one_call_looks_at_so_many_messages_and_no_more(model: InboxModel) -> None:
    messages = model.chat.messages(inbox_cursors.CHUNK * (inbox_cursors.MAX_CHUNKS + 1))
    model.send(*messages)
    model.tables.asked.clear()
    model.confirm(*messages)
    assert model.tables.asked.count(Statement.STATES_NEWER) == inbox_cursors.MAX_CHUNKS


@pytest.mark.parametrize("at_once", [True, False], ids=["receipts", "a mark"])
def test_one_call_extends_so_many_stretches_and_no_more(
    model: InboxModel, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = model.chat.messages(inbox_cursors.CHUNK)
    every_other = messages[1::2]
    model.send(*messages)
    if not at_once:
        model.confirm(*every_other)
        model.tables.inboxes.forget("stretches")
    extended: list[DeliveredRange] = []
    joined = delivered_ranges.merge

    def noticed(known: DeliveredRanges, found: DeliveredRange) -> DeliveredRanges:
        extended.append(found)
        return joined(known, found)

    monkeypatch.setattr(delivered_ranges, "merge", noticed)
    if at_once:
        model.confirm(*every_other)
    else:
        model.send(*model.chat.messages(FULL_SCAN_EVERY))
    assert len(extended) == inbox_cursors.MAX_EXTENDED_RANGES


def test_some_lost_messages_cost_some_requests_each(model: InboxModel) -> None:
    messages = model.chat.messages(2_000)
    model.send(*messages)
    lost = messages[::400]
    for start in range(0, len(messages), 100):
        model.confirm(*(each for each in messages[start : start + 100] if each not in lost))
    assert model.requests(town_reads(model, lost)) <= 5 * len(lost)


def test_a_backlog_that_nobody_reads_does_not_keep_what_is_confirmed_behind_it_from_being_skipped(
    model: InboxModel,
) -> None:
    backlog = model.chat.messages(150)
    model.send(*backlog)
    for _ in range(200):
        message = model.chat.message()
        model.send(message)
        model.confirm(message)
    last = model.chat.message()
    model.send(last)
    page = model.requests(lambda: model.inbox(model.chat.bob, after=backlog[100]))
    assert model.inbox(model.chat.bob, after=backlog[100])[-1] == last.message_id
    assert page <= 6


def test_a_history_without_stretches_gets_them_as_messages_come(model: InboxModel) -> None:
    lost, *others = model.chat.messages(900)
    model.send(lost, *others)
    model.confirm(*others)
    model.tables.inboxes.forget("stretches")
    later = model.chat.messages(2 * FULL_SCAN_EVERY)
    model.send(*later)
    assert model.requests(lambda: model.inbox(model.chat.bob)) <= 5


def test_when_the_lost_message_is_confirmed_at_last_nothing_is_read_any_more(
    model: InboxModel,
) -> None:
    lost, *others = model.chat.messages(1_000)
    model.send(lost, *others)
    for start in range(0, len(others), 100):
        model.confirm(*others[start : start + 100])
    model.confirm(lost)
    assert model.requests(lambda: model.inbox(model.chat.bob)) == 1
    assert model.requests(lambda: model.count(model.chat.bob)) == 1
    assert model.tables.noted[-1][2] == []


def test_counting_hands_over_no_text(model: InboxModel) -> None:
    text = "a text that nobody counts"
    model.send(*(model.chat.message(text) for _ in range(300)))
    model.tables.answered.clear()
    assert model.count(model.chat.bob) == MAX_COUNTED
    assert text not in str(model.tables.answered)
    assert Statement.NEWER_UNTIL not in model.tables.asked


def test_places_of_one_millisecond_are_told_apart(model: InboxModel) -> None:
    lost, *others = model.chat.messages(300, at=START)
    model.send(lost, *others)
    model.confirm(*others)
    assert model.inbox(model.chat.bob) == [lost.message_id]
    position = InboxPosition(START, model.chat.conversation_id, 150)
    assert list(model.pending.inbox(model.chat.bob, position, PAGE)) == []
