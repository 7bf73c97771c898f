from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.message import BEGINNING, InboxPlace, Place

MOMENTS = st.integers(0, 2**48)


@given(MOMENTS, MOMENTS, st.integers(0), st.integers(0))
def test_messages_stand_in_order_of_time_and_then_of_offset(
    one: int, other: int, low: int, high: int
) -> None:
    assert (Place(one, low) < Place(other, high)) == ((one, low) < (other, high))


@given(MOMENTS, st.integers(0))
def test_every_message_comes_behind_the_beginning(timestamp: int, offset: int) -> None:
    assert Place(timestamp, offset) > BEGINNING


def test_an_inbox_is_in_order_of_time_then_conversation_then_offset() -> None:
    places = [
        InboxPlace(2, UUID(int=2), 2),
        InboxPlace(2, UUID(int=2), 1),
        InboxPlace(2, UUID(int=1), 8),
        InboxPlace(1, UUID(int=9), 9),
    ]
    assert sorted(places) == [*reversed(places)]
