from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.message import (
    BEGINNING,
    InboxPosition,
    Message,
    MessagePosition,
    Status,
    status_when_stored,
)

MOMENTS = st.integers(0, 2**48)


@given(MOMENTS, MOMENTS, st.integers(0), st.integers(0))
def test_messages_stand_in_order_of_time_and_then_of_offset(
    one: int, other: int, low: int, high: int
) -> None:
    assert (MessagePosition(one, low) < MessagePosition(other, high)) == (
        (one, low) < (other, high)
    )


@given(MOMENTS, st.integers(0))
def test_every_message_comes_behind_the_beginning(timestamp: int, offset: int) -> None:
    assert MessagePosition(timestamp, offset) > BEGINNING


def test_an_inbox_is_in_order_of_time_then_conversation_then_offset() -> None:
    positions = [
        InboxPosition(2, UUID(int=2), 2),
        InboxPosition(2, UUID(int=2), 1),
        InboxPosition(2, UUID(int=1), 8),
        InboxPosition(1, UUID(int=9), 9),
    ]
    assert sorted(positions) == [*reversed(positions)]


def test_what_is_pending_to_somebody_online_is_sent_and_nothing_else_changes() -> None:
    alice, bob = uuid4(), uuid4()

    def message(recipient_id: UUID, status: Status) -> Message:
        sender_id = alice if recipient_id == bob else bob
        return Message(
            uuid4(), uuid4(), sender_id, recipient_id, "hello", MessagePosition(1, 1), status
        )

    waiting, other, delivered = (
        message(bob, Status.PENDING),
        message(alice, Status.PENDING),
        message(bob, Status.DELIVERED),
    )
    messages = [waiting, other, delivered]
    assert status_when_stored(messages, {bob}) == [
        waiting._replace(status=Status.SENT),
        other,
        delivered,
    ]
    assert status_when_stored(messages, ()) == messages
