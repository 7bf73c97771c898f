from collections.abc import Iterator
from itertools import count
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium import deadline
from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.message import BEGINNING, LAST_OFFSET, Message, MessagePosition, Status
from angarium.services import cursors
from angarium.services.cursors import Direction, HistoryCursor
from angarium.services.history import History, HistoryPage, HistoryQuery, Order
from angarium.services.store_retry import StoreRetry
from tests.fakes.messages import MemoryMessages

ALICE, BOB = user_id_for("alice"), user_id_for("bob")

limits = st.integers(1, 7)
orders = st.sampled_from(Order)
pauses = st.lists(st.integers(0, 2), max_size=12)


class Talk:
    """A conversation that grows, and its history."""

    def __init__(self, *pauses: int) -> None:
        self.conversation_id = uuid4()
        self.store = MemoryMessages()
        self.history = History(self.store, StoreRetry())
        self.messages: list[Message] = []
        self._offsets = count(0, 3)
        self._time = 1000
        self.grow(*pauses)

    def grow(self, *pauses: int) -> None:
        """Store a message after each pause; none at all makes a tie of
        one millisecond.
        """
        for pause in pauses:
            self._time += pause
            message = Message(
                uuid4(),
                self.conversation_id,
                ALICE,
                BOB,
                f"message {len(self.messages)}",
                MessagePosition(self._time, next(self._offsets)),
                Status.SENT,
            )
            self.messages.append(message)
            self.store.record(self.conversation_id, [message])

    def page(
        self,
        limit: int = 50,
        order: Order = Order.ASC,
        since: int | None = None,
        cursor: str | None = None,
    ) -> HistoryPage:
        page = self.history.page(self.conversation_id, HistoryQuery(limit, order, since, cursor))
        assert (page.limit, page.order) == (limit, order)
        assert page.has_more == (page.next_cursor is not None)
        assert len(page.messages) <= limit
        assert len(page.messages) == limit or not page.has_more
        return page

    def oldest_first(self, page: HistoryPage) -> list[Message]:
        listed = list(page.messages)
        in_order = sorted(listed, key=lambda message: message.position)
        assert listed == (in_order if page.order is Order.ASC else in_order[::-1])
        return in_order


def test_the_newest_messages_come_first_and_are_listed_oldest_first() -> None:
    talk = Talk(*[1] * 50)
    page = talk.page(limit=20)
    assert list(page.messages) == talk.messages[30:]
    assert page.has_more


def test_the_order_changes_how_messages_are_listed_and_not_which() -> None:
    talk = Talk(*[1] * 50)
    assert list(talk.page(limit=20, order=Order.DESC).messages) == talk.messages[:29:-1]
    since = talk.messages[9].position.timestamp
    assert list(talk.page(20, Order.ASC, since).messages) == talk.messages[10:30]
    assert list(talk.page(20, Order.DESC, since).messages) == talk.messages[29:9:-1]


def test_a_cursor_without_since_walks_to_older_ones() -> None:
    talk = Talk(*[1] * 5)
    second = talk.page(limit=2, cursor=talk.page(limit=2).next_cursor)
    assert list(second.messages) == talk.messages[1:3]
    third = talk.page(limit=2, cursor=second.next_cursor)
    assert list(third.messages) == talk.messages[:1]
    assert third.next_cursor is None


def test_a_cursor_with_since_walks_to_newer_ones() -> None:
    talk = Talk(*[1] * 5)
    first = talk.page(limit=2, since=0)
    assert list(first.messages) == talk.messages[:2]
    second = talk.page(limit=2, cursor=first.next_cursor)
    assert list(second.messages) == talk.messages[2:4]


def test_since_is_strict_for_every_message_of_its_millisecond() -> None:
    talk = Talk(5, 0, 0, 1, 0)
    since = talk.messages[0].position.timestamp
    assert list(talk.page(since=since).messages) == talk.messages[3:]
    assert list(talk.page(since=since - 1).messages) == talk.messages


def test_a_page_that_is_just_full_has_no_more() -> None:
    talk = Talk(*[1] * 4)
    for page in (talk.page(limit=4), talk.page(limit=4, since=0)):
        assert not page.has_more
        assert page.next_cursor is None


def test_an_empty_conversation_is_an_empty_page_from_which_one_can_wait() -> None:
    talk = Talk()
    page = talk.page()
    assert (page.messages, page.has_more, page.next_cursor) == ((), False, None)
    talk.grow(0, 0)
    assert list(talk.page(cursor=page.resume_cursor).messages) == talk.messages


def test_an_empty_page_resumes_from_what_was_asked_for() -> None:
    talk = Talk(1, 1)
    since = talk.messages[-1].position.timestamp
    conversation_id = talk.conversation_id
    waiting = talk.page(since=since).resume_cursor
    assert cursors.read_history(waiting, conversation_id).position == MessagePosition(
        since, LAST_OFFSET
    )
    again = talk.page(cursor=waiting).resume_cursor
    assert again == waiting
    talk.grow(0, 1)
    assert list(talk.page(cursor=waiting).messages) == talk.messages[-1:]


def test_an_empty_page_of_an_older_walk_resumes_from_its_cursor() -> None:
    talk = Talk(1, 1)
    oldest = talk.messages[0].position
    cursor = cursors.write_history(talk.conversation_id, HistoryCursor(Direction.OLDER, oldest))
    page = talk.page(cursor=cursor)
    assert page.messages == ()
    assert list(talk.page(cursor=page.resume_cursor).messages) == talk.messages[1:]


def test_the_beginning_is_the_last_resort_of_resuming() -> None:
    talk = Talk()
    cursor = cursors.read_history(talk.page().resume_cursor, talk.conversation_id)
    assert cursor == HistoryCursor(Direction.NEWER, BEGINNING)


def test_a_cursor_is_complete_without_and_beside_since() -> None:
    talk = Talk(*[1] * 6)
    cursor = talk.page(limit=2).next_cursor
    for since in (None, 0, talk.messages[-1].position.timestamp, 253_402_300_799_999):
        assert list(talk.page(2, since=since, cursor=cursor).messages) == talk.messages[2:4]


def test_a_cursor_of_another_conversation_is_refused() -> None:
    talk, other = Talk(1, 1), Talk(1, 1)
    with pytest.raises(Refused) as refusal:
        other.page(cursor=talk.page(limit=1).next_cursor)
    assert refusal.value.problems[0].code == Code.INVALID_CURSOR


def walk(talk: Talk, first: HistoryPage, draw: st.DataObject) -> Iterator[HistoryPage]:
    """Follow a page's next cursors with ever new limits and orders,
    while messages arrive.
    """
    page = first
    yield page
    while page.next_cursor is not None:
        talk.grow(*draw.draw(st.lists(st.integers(0, 2), max_size=2)))
        page = talk.page(draw.draw(limits), draw.draw(orders), cursor=page.next_cursor)
        yield page


@given(pauses, st.data())
def test_walking_to_older_ones_shows_every_message_once_while_new_ones_arrive(
    before: list[int], draw: st.DataObject
) -> None:
    talk = Talk(*before)
    known = list(talk.messages)
    shown: list[Message] = []
    for page in walk(talk, talk.page(draw.draw(limits), draw.draw(orders)), draw):
        shown = talk.oldest_first(page) + shown
    assert shown == known


@given(pauses, st.integers(-1, 12), st.data())
def test_walking_to_newer_ones_shows_every_message_once_while_new_ones_arrive(
    before: list[int], since: int, draw: st.DataObject
) -> None:
    talk = Talk(*before)
    moment = 1000 + since
    shown: list[Message] = []
    first = talk.page(draw.draw(limits), draw.draw(orders), since=moment)
    page = first
    for page in walk(talk, first, draw):
        shown += talk.oldest_first(page)
        if len(talk.messages) > 60:
            break
    while page.next_cursor is not None:
        page = talk.page(cursor=page.next_cursor)
        shown += talk.oldest_first(page)
    assert shown == [message for message in talk.messages if message.position.timestamp > moment]


@given(pauses, st.lists(st.tuples(pauses, limits, orders), max_size=8), limits, orders)
def test_polling_with_the_resume_cursor_misses_nothing_not_even_a_tie(
    before: list[int],
    polls: list[tuple[list[int], int, Order]],
    limit: int,
    order: Order,
) -> None:
    talk = Talk(*before)
    page = talk.page(limit, order)
    shown = talk.oldest_first(page)
    start = len(talk.messages) - len(shown)
    for arriving, limit, order in polls:
        talk.grow(*arriving)
        page = talk.page(limit, order, cursor=page.resume_cursor)
        shown += talk.oldest_first(page)
    while (page := talk.page(cursor=page.resume_cursor)).messages:
        shown += talk.oldest_first(page)
    assert shown == talk.messages[start:]


@given(pauses, st.data())
def test_resuming_from_any_page_of_an_older_walk_leads_to_the_present(
    before: list[int], draw: st.DataObject
) -> None:
    talk = Talk(*before)
    for page in walk(talk, talk.page(draw.draw(limits)), draw):
        newest = max((message.position for message in page.messages), default=BEGINNING)
        shown: list[Message] = []
        resumed = page
        while (resumed := talk.page(draw.draw(limits), cursor=resumed.resume_cursor)).messages:
            shown += resumed.messages
        assert shown == [message for message in talk.messages if message.position > newest]


def test_a_single_message_is_found_by_its_id() -> None:
    talk = Talk(1, 1)
    for message in talk.messages:
        assert talk.history.message(talk.conversation_id, message.message_id) == message


def test_a_message_that_is_not_there_or_elsewhere_is_not_found() -> None:
    talk, other = Talk(1), Talk(1)
    for message_id in (uuid4(), other.messages[0].message_id):
        with pytest.raises(Refused) as refusal:
            talk.history.message(talk.conversation_id, message_id)
        assert refusal.value.problems[0].code == Code.MESSAGE_NOT_FOUND


def test_a_silent_store_is_told() -> None:
    class Silent(MemoryMessages):
        def older(
            self, conversation_id: UUID, than: MessagePosition | None, limit: int
        ) -> list[Message]:
            raise StoreUnavailable("node 3 is silent")

    with deadline.within(0), pytest.raises(StoreUnavailable):
        History(Silent(), StoreRetry()).page(uuid4(), HistoryQuery())
