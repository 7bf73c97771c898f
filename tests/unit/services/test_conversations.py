from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from angarium import deadline
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.ports.messages import Summary
from angarium.services.conversations import Conversations
from angarium.services.store_retry import StoreRetry
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.messages import MemoryMessages
from tests.fakes.users import MemoryUsers

ALICE, BOB, CAROL = (user_id_for(name) for name in ("alice", "bob", "carol"))


class CountingConversations(MemoryConversations):
    """Conversations in memory that count what they are asked."""

    silent = False
    asked = 0
    answers_lost = 0

    def get(self, conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        self.asked += 1
        if self.silent:
            raise StoreUnavailable("node 3 is silent")
        return super().get(conversation_id, participant_id)

    def create(self, conversation: Conversation, claim: UUID) -> tuple[Conversation, bool]:
        self.asked += 1
        created = super().create(conversation, claim)
        if self.answers_lost:
            self.answers_lost -= 1
            raise StoreUnavailable("node 3 answers too late")
        return created


class Hall:
    """Conversations of alice, bob and carol, with their parts at
    hand.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.store = CountingConversations()
        self.users = MemoryUsers()
        self.messages = MemoryMessages()
        for name in ("alice", "bob", "carol"):
            self.users.put(User(user_id_for(name), name, "", 1))
        self.conversations = self.another_instance()

    def another_instance(self, cache_size: int = 1000) -> Conversations:
        return Conversations(
            self.store, self.users, self.messages, self.clock, StoreRetry(), cache_size=cache_size
        )

    def add_user(self, name: str) -> UUID:
        self.users.put(User(user_id_for(name), name, "", 1))
        return user_id_for(name)

    def refusal(self, participant_ids: list[UUID]) -> Code:
        with pytest.raises(Refused) as refusal:
            self.conversations.open(ALICE, participant_ids)
        (problem,) = refusal.value.problems
        assert problem.field == "participant_ids"
        return problem.code


@pytest.fixture
def hall(clock: ManualClock) -> Hall:
    return Hall(clock)


def code_of(conversations: Conversations, caller_id: UUID, conversation_id: UUID) -> Code:
    with pytest.raises(Refused) as refusal:
        conversations.get(caller_id, conversation_id)
    return refusal.value.problems[0].code


@pytest.mark.parametrize("participants", [[BOB], [ALICE, BOB], [BOB, ALICE]])
def test_a_conversation_is_opened_with_the_other_user_or_both(
    hall: Hall, participants: list[UUID]
) -> None:
    conversation, is_new = hall.conversations.open(ALICE, participants)
    assert is_new
    assert conversation.conversation_id == conversation_id_for(ALICE, BOB)
    assert set(conversation.participant_ids) == {ALICE, BOB}
    assert conversation.created_at == hall.clock.now_ms()


def test_a_pair_has_one_conversation_whoever_opens_it_and_wherever(hall: Hall) -> None:
    first, _ = hall.conversations.open(ALICE, [BOB])
    hall.clock.advance(60)
    for conversations in (hall.conversations, hall.another_instance()):
        assert conversations.open(BOB, [ALICE]) == (first, False)
        assert conversations.open(ALICE, [BOB]) == (first, False)


@pytest.mark.parametrize(
    "participants",
    [[], [ALICE], [ALICE] * 2, [BOB, CAROL], [BOB] * 2, [ALICE, BOB, CAROL], [ALICE, ALICE, BOB]],
)
def test_the_ids_must_name_exactly_one_other_user(hall: Hall, participants: list[UUID]) -> None:
    assert hall.refusal(participants) == Code.INVALID_PARTICIPANTS


def test_the_other_user_must_exist(hall: Hall) -> None:
    stranger = uuid4()
    assert hall.refusal([stranger]) == Code.USER_NOT_FOUND
    assert hall.store.get(conversation_id_for(ALICE, stranger), ALICE) is None


def test_both_participants_find_their_conversation(hall: Hall) -> None:
    conversation, _ = hall.conversations.open(ALICE, [BOB])
    for conversations in (hall.conversations, hall.another_instance()):
        assert conversations.get(ALICE, conversation.conversation_id) == conversation
        assert conversations.get(BOB, conversation.conversation_id) == conversation


def test_a_stranger_is_told_the_same_as_when_there_is_none(hall: Hall) -> None:
    conversation, _ = hall.conversations.open(ALICE, [BOB])
    other = hall.another_instance()
    for conversations in (hall.conversations, other, other):
        assert (
            code_of(conversations, CAROL, conversation.conversation_id)
            == Code.CONVERSATION_NOT_FOUND
        )
    missing = uuid4()
    with pytest.raises(Refused) as at_none:
        hall.conversations.get(CAROL, missing)
    with pytest.raises(Refused) as at_foreign:
        hall.conversations.get(CAROL, conversation.conversation_id)
    details = [refusal.value.problems[0].detail for refusal in (at_none, at_foreign)]
    assert details[0].replace(str(missing), "") == details[1].replace(
        str(conversation.conversation_id), ""
    )


def test_a_conversation_that_was_seen_before_needs_no_store(hall: Hall) -> None:
    conversation, _ = hall.conversations.open(ALICE, [BOB])
    conversations = hall.another_instance()
    assert conversations.find_cached(ALICE, conversation.conversation_id) is None
    conversations.get(ALICE, conversation.conversation_id)
    hall.store.silent = True
    asked = hall.store.asked
    assert conversations.find_cached(BOB, conversation.conversation_id) == conversation
    assert conversations.get(BOB, conversation.conversation_id) == conversation
    assert hall.store.asked == asked


def test_whoever_opened_a_conversation_is_told_so_though_the_store_s_answer_was_lost(
    hall: Hall,
) -> None:
    hall.store.answers_lost = 1
    conversation, is_new = hall.conversations.open(ALICE, [BOB])
    assert is_new
    assert hall.another_instance().open(BOB, [ALICE]) == (conversation, False)


def test_a_conversation_that_was_only_found_is_opened_to_the_end(hall: Hall) -> None:
    hall.store.answers_lost = 1
    with deadline.within(0), pytest.raises(StoreUnavailable):
        hall.conversations.open(ALICE, [BOB])
    # It is there, in the list of one of them perhaps, who looks at it.
    conversation = hall.conversations.get(ALICE, conversation_id_for(ALICE, BOB))
    asked = hall.store.asked
    assert hall.conversations.open(BOB, [ALICE]) == (conversation, False)
    assert hall.store.asked == asked + 1
    assert hall.conversations.open(BOB, [ALICE]) == (conversation, False)
    assert hall.store.asked == asked + 1


def test_neither_reads_nor_an_outage_tell_a_stranger_who_talks_to_whom(hall: Hall) -> None:
    # Ids are made from names, so anybody can ask for the conversation
    # of any two others.
    foreign, _ = hall.conversations.open(ALICE, [BOB])
    conversations = hall.another_instance()
    conversations.get(ALICE, foreign.conversation_id)
    for conversation_id in (foreign.conversation_id, uuid4()):
        for _ in range(2):
            asked = hall.store.asked
            assert conversations.find_cached(CAROL, conversation_id) is None
            assert code_of(conversations, CAROL, conversation_id) == Code.CONVERSATION_NOT_FOUND
            assert hall.store.asked == asked + 1
    hall.store.silent = True
    for conversation_id in (foreign.conversation_id, uuid4()):
        with deadline.within(0), pytest.raises(StoreUnavailable):
            conversations.get(CAROL, conversation_id)


def test_what_a_stranger_asks_is_looked_up_by_a_key_that_is_never_there(hall: Hall) -> None:
    foreign, _ = hall.conversations.open(ALICE, [BOB])
    remembered = {
        key for key in hall.conversations._known._entries if key[1] == foreign.conversation_id
    }
    assert remembered == {(ALICE, foreign.conversation_id), (BOB, foreign.conversation_id)}
    asked: list[UUID] = []
    get = hall.store.get

    def noted(conversation_id: UUID, participant_id: UUID) -> Conversation | None:
        asked.append(participant_id)
        return get(conversation_id, participant_id)

    hall.store.get = noted  # type: ignore[method-assign]
    for conversation_id in (foreign.conversation_id, uuid4()):
        assert code_of(hall.conversations, CAROL, conversation_id) == Code.CONVERSATION_NOT_FOUND
    assert asked == [CAROL, CAROL]


def test_a_stranger_s_questions_push_nothing_out_of_memory(hall: Hall) -> None:
    own, _ = hall.conversations.open(ALICE, [BOB])
    foreign, _ = hall.conversations.open(ALICE, [CAROL])
    conversations = hall.another_instance(cache_size=1)
    conversations.get(BOB, own.conversation_id)
    assert code_of(conversations, BOB, foreign.conversation_id) == Code.CONVERSATION_NOT_FOUND
    assert conversations.find_cached(BOB, own.conversation_id) == own


def test_opening_a_conversation_that_was_seen_before_needs_no_store(hall: Hall) -> None:
    class Silent(MemoryUsers):
        def get(self, user_id: UUID) -> User | None:
            raise StoreUnavailable("node 3 is silent")

    conversation, _ = hall.conversations.open(ALICE, [BOB])
    hall.conversations._users = Silent()
    assert hall.conversations.open(BOB, [ALICE]) == (conversation, False)


def test_the_participants_are_sorted_by_the_text_of_their_ids(hall: Hall) -> None:
    for number in range(10):
        other = hall.add_user(f"friend{number}")
        conversation, _ = hall.conversations.open(ALICE, [other])
        assert [str(each) for each in conversation.participant_ids] == sorted(
            (str(ALICE), str(other))
        )


def test_a_conversation_that_was_missing_is_looked_for_again(hall: Hall) -> None:
    conversation_id = conversation_id_for(ALICE, BOB)
    assert code_of(hall.conversations, ALICE, conversation_id) == Code.CONVERSATION_NOT_FOUND
    hall.another_instance().open(ALICE, [BOB])
    assert hall.conversations.get(ALICE, conversation_id).conversation_id == conversation_id


def test_so_many_conversations_are_remembered_and_no_more(hall: Hall) -> None:
    conversations = hall.another_instance(cache_size=1)
    first, _ = conversations.open(ALICE, [BOB])
    second, _ = conversations.open(ALICE, [CAROL])
    assert conversations.find_cached(ALICE, first.conversation_id) is None
    assert conversations.find_cached(ALICE, second.conversation_id) == second


def test_a_silent_store_is_told(hall: Hall) -> None:
    hall.store.silent = True
    with deadline.within(0), pytest.raises(StoreUnavailable):
        hall.conversations.get(ALICE, uuid4())


def test_a_list_shows_the_newest_first_with_their_summaries(hall: Hall) -> None:
    older, _ = hall.conversations.open(ALICE, [BOB])
    hall.clock.advance(1)
    newer, _ = hall.conversations.open(CAROL, [ALICE])
    hall.conversations.open(BOB, [CAROL])
    message = Message(
        uuid4(), older.conversation_id, BOB, ALICE, "hello", MessagePosition(5, 0), Status.PENDING
    )
    hall.messages.record(older.conversation_id, [message])
    page = hall.conversations.page(ALICE, 50, None)
    assert page.items == ((newer, Summary(None, 0)), (older, Summary(message, 1)))
    assert (page.limit, page.has_more, page.next_cursor) == (50, False, None)
    (_, (_, for_bob)) = hall.conversations.page(BOB, 50, None).items
    assert for_bob == Summary(message, 0)


def test_whoever_has_no_conversation_gets_an_empty_list(hall: Hall) -> None:
    page = hall.conversations.page(ALICE, 50, None)
    assert (page.items, page.has_more, page.next_cursor) == ((), False, None)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 9, 100])
def test_walking_the_list_shows_each_conversation_once_even_ties(hall: Hall, limit: int) -> None:
    for number in range(8):
        hall.conversations.open(ALICE, [hall.add_user(f"friend{number}")])
        if number % 3 == 0:
            hall.clock.advance(0.001)
    seen: list[Conversation] = []
    cursor: str | None = None
    pages = 0
    while True:
        page = hall.conversations.page(ALICE, limit, cursor)
        seen += [conversation for conversation, _ in page.items]
        pages += 1
        assert page.has_more == (page.next_cursor is not None)
        if page.next_cursor is None:
            break
        assert len(page.items) == limit
        cursor = page.next_cursor
        hall.clock.advance(0.001)
        hall.conversations.open(ALICE, [hall.add_user(f"newcomer{pages}")])
    assert len(seen) == len({each.conversation_id for each in seen}) == 8
    for newer, older in pairwise(seen):
        assert (newer.created_at, newer.conversation_id) > (
            older.created_at,
            older.conversation_id,
        )
    assert pages == -(-8 // limit)


def test_another_users_cursor_is_refused(hall: Hall) -> None:
    hall.conversations.open(ALICE, [BOB])
    hall.conversations.open(ALICE, [CAROL])
    cursor = hall.conversations.page(ALICE, 1, None).next_cursor
    with pytest.raises(Refused) as refusal:
        hall.conversations.page(BOB, 1, cursor)
    assert refusal.value.problems[0].code == Code.INVALID_CURSOR
