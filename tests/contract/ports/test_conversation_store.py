import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier
from uuid import UUID, uuid4

from angarium.deadline import within
from angarium.domain.conversation import Conversation, ConversationPosition
from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import conversation_id_for
from angarium.ports.conversations import ConversationStore

START = 1_700_000_000_000


def conversation(one: UUID, other: UUID, created_at: int = START) -> Conversation:
    first, second = sorted((one, other))
    return Conversation(conversation_id_for(one, other), (first, second), created_at)


def position(of: Conversation) -> ConversationPosition:
    return ConversationPosition(of.created_at, of.conversation_id)


def newest_first(*conversations: Conversation) -> list[Conversation]:
    return sorted(conversations, key=position, reverse=True)


def test_a_new_conversation_is_kept_as_it_is(conversations: ConversationStore) -> None:
    candidate = conversation(uuid4(), uuid4())
    assert conversations.create(candidate, uuid4()) == (candidate, True)
    assert conversations.get(candidate.conversation_id, candidate.participant_ids[0]) == candidate
    assert conversations.get(candidate.conversation_id, candidate.participant_ids[1]) == candidate


def test_a_conversation_that_nobody_created_is_not_there(conversations: ConversationStore) -> None:
    assert conversations.get(uuid4(), uuid4()) is None


def test_a_conversation_of_others_is_not_there(conversations: ConversationStore) -> None:
    created, _ = conversations.create(conversation(uuid4(), uuid4()), uuid4())
    assert conversations.get(created.conversation_id, uuid4()) is None
    assert conversations.get(created.conversation_id, created.conversation_id) is None


def test_the_first_candidate_stands(conversations: ConversationStore) -> None:
    alice, bob = uuid4(), uuid4()
    first = conversation(alice, bob)
    conversations.create(first, uuid4())
    for created_at in (START, START + 1, START - 1):
        assert conversations.create(conversation(bob, alice, created_at), uuid4()) == (
            first,
            False,
        )
    assert conversations.get(first.conversation_id, alice) == first
    assert list(conversations.of_user(alice, None, 10)) == [first]


def patiently(create: Callable[[], tuple[Conversation, bool]]) -> tuple[Conversation, bool]:
    """Ask again, with the same claim, whenever a store that is busy
    with a race is too late.
    """
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        with suppress(StoreUnavailable):
            return create()
    return create()


def test_exactly_one_of_racing_creates_is_the_one(conversations: ConversationStore) -> None:
    for _ in range(5):
        alice, bob = uuid4(), uuid4()
        together = Barrier(12)

        def create(
            number: int, alice: UUID = alice, bob: UUID = bob, together: Barrier = together
        ) -> tuple[int, Conversation, bool]:
            candidate, claim = conversation(alice, bob, START + number), uuid4()
            together.wait(30)
            return number, *patiently(lambda: conversations.create(candidate, claim))

        with ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(create, range(12)))
        (winner,) = [number for number, _, is_new in answers if is_new]
        expected = conversation(alice, bob, START + winner)
        assert {answer for _, answer, _ in answers} == {expected}
        assert conversations.get(expected.conversation_id, bob) == expected
        assert list(conversations.of_user(alice, None, 10)) == [expected]
        assert list(conversations.of_user(bob, None, 10)) == [expected]


def test_both_participants_see_it_in_their_list_and_nobody_else(
    conversations: ConversationStore,
) -> None:
    alice, bob, carol = uuid4(), uuid4(), uuid4()
    created, _ = conversations.create(conversation(alice, bob), uuid4())
    assert list(conversations.of_user(alice, None, 10)) == [created]
    assert list(conversations.of_user(bob, None, 10)) == [created]
    assert list(conversations.of_user(carol, None, 10)) == []


def test_a_list_has_the_newest_first_and_ties_by_id(conversations: ConversationStore) -> None:
    alice = uuid4()
    made = [conversation(alice, uuid4(), START + number // 4) for number in range(12)]
    for each in made:
        conversations.create(each, uuid4())
    expected = newest_first(*made)
    assert list(conversations.of_user(alice, None, 100)) == expected
    assert list(conversations.of_user(alice, None, 5)) == expected[:5]
    for number, each in enumerate(expected):
        assert list(conversations.of_user(alice, position(each), 100)) == expected[number + 1 :]


def test_a_place_need_not_be_a_conversation_s_own(conversations: ConversationStore) -> None:
    alice = uuid4()
    made = [conversation(alice, uuid4(), START + number) for number in range(3)]
    for each in made:
        conversations.create(each, uuid4())
    between = ConversationPosition(START + 1, UUID(int=0))
    assert list(conversations.of_user(alice, between, 10)) == [made[0]]
    above = ConversationPosition(START + 1, UUID(int=2**128 - 1))
    assert list(conversations.of_user(alice, above, 10)) == [made[1], made[0]]


def test_walking_a_list_skips_and_repeats_nothing_while_new_ones_come(
    conversations: ConversationStore,
) -> None:
    alice = uuid4()
    made = [conversation(alice, uuid4(), START + number // 3) for number in range(10)]
    for each in made:
        conversations.create(each, uuid4())
    walked: list[Conversation] = []
    after: ConversationPosition | None = None
    while page := conversations.of_user(alice, after, 3):
        walked += page
        after = position(page[-1])
        conversations.create(conversation(alice, uuid4(), START + 1_000), uuid4())
    assert walked == newest_first(*made)


def test_a_store_that_answers_says_so(conversations: ConversationStore) -> None:
    with within(30):
        conversations.check()


def test_conversations_are_found_whoever_is_in_them(conversations: ConversationStore) -> None:
    made = [conversation(uuid4(), uuid4(), START + each) for each in range(100)]
    for each in made[1:]:
        conversations.create(each, uuid4())
    ids = [each.conversation_id for each in made]
    assert conversations.find(ids) == {each.conversation_id: each for each in made[1:]}
    assert conversations.find([]) == {}
