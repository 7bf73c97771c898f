from uuid import UUID

from angarium.domain.conversation import Conversation, ConversationPosition

ONE = UUID(int=1)
TWO = UUID(int=2)


def test_each_participant_talks_to_the_other() -> None:
    conversation = Conversation(UUID(int=9), (ONE, TWO), 0)
    assert conversation.other(ONE) == TWO
    assert conversation.other(TWO) == ONE


def test_places_are_ordered_by_creation_and_then_by_the_text_of_the_id() -> None:
    ids = [
        UUID("0fffffff-0000-0000-0000-000000000000"),
        UUID("a0000000-0000-0000-0000-000000000000"),
    ]
    assert [str(each) for each in sorted(ids)] == sorted(str(each) for each in ids)
    assert (
        ConversationPosition(1, ids[1])
        < ConversationPosition(2, ids[0])
        < ConversationPosition(2, ids[1])
    )
