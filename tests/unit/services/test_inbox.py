from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium import deadline
from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.message import InboxPosition, Message, MessagePosition, Status
from angarium.ports.messages import Receipt
from angarium.services.inbox import Inbox
from angarium.services.store_retry import StoreRetry
from tests.fakes.messages import MemoryMessages

ALICE, BOB, CAROL = (user_id_for(name) for name in ("alice", "bob", "carol"))


def store(
    messages: MemoryMessages,
    conversation_id: UUID,
    position: MessagePosition,
    recipient_id: UUID = BOB,
) -> Message:
    message = Message(
        uuid4(), conversation_id, ALICE, recipient_id, "hello", position, Status.PENDING
    )
    messages.record(conversation_id, [message])
    return message


def position_of(message: Message) -> InboxPosition:
    return InboxPosition(
        message.position.timestamp, message.conversation_id, message.position.offset
    )


def test_an_inbox_holds_what_its_owner_has_not_confirmed_of_all_conversations() -> None:
    messages = MemoryMessages()
    one, other = uuid4(), uuid4()
    first = store(messages, one, MessagePosition(1, 0))
    confirmed = store(messages, one, MessagePosition(2, 1))
    last = store(messages, other, MessagePosition(3, 0))
    store(messages, one, MessagePosition(4, 2), recipient_id=CAROL)
    messages.mark_delivered(one, [Receipt(confirmed.message_id, BOB, 5)])
    page = Inbox(messages, StoreRetry()).page(BOB, 50, None)
    assert page.messages == (first, last)
    assert (page.limit, page.has_more, page.next_cursor) == (50, False, None)


def test_nothing_waiting_is_an_empty_page() -> None:
    page = Inbox(MemoryMessages(), StoreRetry()).page(BOB, 50, None)
    assert (page.messages, page.has_more, page.next_cursor) == ((), False, None)


def test_a_page_that_is_just_full_has_no_more() -> None:
    messages = MemoryMessages()
    for offset in range(3):
        store(messages, uuid4(), MessagePosition(1, offset))
    page = Inbox(messages, StoreRetry()).page(BOB, 3, None)
    assert (len(page.messages), page.has_more, page.next_cursor) == (3, False, None)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=20),
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
)
def test_walking_an_inbox_shows_every_message_once_in_order_even_ties(
    arrivals: list[tuple[int, int]], limits: list[int]
) -> None:
    messages = MemoryMessages()
    conversations = [uuid4() for _ in range(3)]
    waiting = [
        store(messages, conversations[which], MessagePosition(timestamp, offset))
        for offset, (which, timestamp) in enumerate(arrivals)
    ]
    inbox = Inbox(messages, StoreRetry())
    shown: list[Message] = []
    cursor: str | None = None
    for turn in range(len(waiting) + 1):
        page = inbox.page(BOB, limits[turn % len(limits)], cursor)
        shown += page.messages
        assert page.has_more == (page.next_cursor is not None)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert shown == sorted(waiting, key=position_of)


def test_confirming_what_was_shown_skips_nothing_that_was_not() -> None:
    messages = MemoryMessages()
    conversation_id = uuid4()
    waiting = [store(messages, conversation_id, MessagePosition(1, offset)) for offset in range(6)]
    inbox = Inbox(messages, StoreRetry())
    shown: list[Message] = []
    cursor: str | None = None
    while True:
        page = inbox.page(BOB, 2, cursor)
        shown += page.messages
        receipts = [Receipt(message.message_id, BOB, 5) for message in page.messages]
        messages.mark_delivered(conversation_id, receipts)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert shown == waiting


def test_another_users_cursor_is_refused() -> None:
    messages = MemoryMessages()
    for offset in range(2):
        store(messages, uuid4(), MessagePosition(1, offset))
    inbox = Inbox(messages, StoreRetry())
    with pytest.raises(Refused) as refusal:
        inbox.page(CAROL, 1, inbox.page(BOB, 1, None).next_cursor)
    assert refusal.value.problems[0].code == Code.INVALID_CURSOR


def test_a_silent_store_is_told() -> None:
    class Silent(MemoryMessages):
        def inbox(
            self, recipient_id: UUID, after: InboxPosition | None, limit: int
        ) -> list[Message]:
            raise StoreUnavailable("node 3 is silent")

    with deadline.within(0), pytest.raises(StoreUnavailable):
        Inbox(Silent(), StoreRetry()).page(BOB, 50, None)
