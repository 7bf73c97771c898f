"""docs/http.md, the sections about opening, showing and listing
conversations.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from tests.contract.http.client import Answer, Person, Talk, refused, wrong_fields


def open_with(caller: Person, *participants: Person) -> Answer:
    ids = [str(person.user_id) for person in participants]
    return caller.client.post("/v1/conversations", {"participant_ids": ids})


def test_a_new_conversation_is_201_and_the_same_one_200(alice: Person, bob: Person) -> None:
    created, found = open_with(alice, bob), open_with(alice, bob)
    assert (created.status, found.status) == (201, 200)
    assert created.document() == found.document()
    assert set(created.document()) == {"conversation_id", "type", "participant_ids", "created_at"}
    assert created.at("type") == "private"
    assert created.at("participant_ids") == sorted([str(alice.user_id), str(bob.user_id)])


def test_the_type_may_be_named_and_is_private(alice: Person, bob: Person) -> None:
    for sent_type in ("private", None):
        document = {"participant_ids": [str(bob.user_id)], "type": sent_type}
        assert alice.client.post("/v1/conversations", document).at("type") == "private"


@pytest.mark.parametrize("sent_type", ["group", "", "Private", 7, ["private"], {}])
def test_nobody_can_believe_to_have_made_a_group(
    alice: Person, bob: Person, sent_type: object
) -> None:
    document = {"participant_ids": [str(bob.user_id)], "type": sent_type}
    assert refused(alice.client.post("/v1/conversations", document)) == (400, "invalid_field")
    assert alice.client.get("/v1/conversations").at("conversations") == []


def test_a_wrong_type_and_wrong_participants_are_told_at_once(alice: Person) -> None:
    answer = alice.client.post("/v1/conversations", {"participant_ids": ["x"], "type": "group"})
    assert refused(answer) == (400, "invalid_field")
    assert wrong_fields(answer) == ["type", "participant_ids"]
    answer = alice.client.post(
        "/v1/conversations?a=1", {"participant_ids": [str(alice.user_id)], "type": "group"}
    )
    assert refused(answer) == (400, "invalid_field")
    assert wrong_fields(answer) == ["type", "a", "participant_ids"]


def test_its_location_comes_both_times(alice: Person, bob: Person) -> None:
    for _ in range(2):
        answer = open_with(alice, bob)
        assert (
            answer.headers.get("location") == f"/v1/conversations/{answer.text('conversation_id')}"
        )


def test_either_or_both_may_be_named_and_either_may_ask(alice: Person, bob: Person) -> None:
    answers = [
        open_with(alice, bob),
        open_with(alice, alice, bob),
        open_with(alice, bob, alice),
        open_with(bob, alice),
    ]
    assert [answer.status for answer in answers] == [201, 200, 200, 200]
    assert len({answer.body for answer in answers}) == 1


def test_the_id_is_made_from_the_pair(talk: Talk) -> None:
    first, second = sorted([str(talk.one.user_id), str(talk.other.user_id)])
    assert talk.conversation_id == str(
        uuid5(NAMESPACE_URL, f"angarium:conversation:{first}:{second}")
    )


def test_of_racing_creates_one_is_201_and_all_show_the_same(alice: Person, bob: Person) -> None:
    def race(number: int) -> Answer:
        return open_with(*((alice, bob) if number % 2 else (bob, alice)))

    with ThreadPoolExecutor(8) as threads:
        first = list(threads.map(race, range(16)))
        # A store that is busy with such a race may be too late for
        # some, who ask again.
        late = [answer for answer in first if answer.status == 503]
        answers = [answer for answer in first if answer not in late]
        while len(answers) < len(first):
            answers += [answer for answer in map(race, range(len(late))) if answer.status != 503]
    made = [answer.status for answer in answers].count(201)
    assert made == 1 or (late and not made)
    assert {answer.status for answer in answers} <= {200, 201}
    assert len({answer.body for answer in answers}) == 1


def test_participants_that_are_no_pair_with_the_caller_are_invalid(
    alice: Person, bob: Person, newcomer: Callable[[str], Person]
) -> None:
    carol = newcomer("carol")
    for participants in ([], [alice], [alice, alice], [bob, carol], [alice, bob, carol]):
        assert refused(open_with(alice, *participants)) == (400, "invalid_participants")


@pytest.mark.parametrize("ids", [[""], ["bob"], ["x", "y"]])
def test_participants_that_are_no_uuids_are_invalid(alice: Person, ids: list[str]) -> None:
    answer = alice.client.post("/v1/conversations", {"participant_ids": ids})
    assert refused(answer) == (400, "invalid_participants")


@pytest.mark.parametrize("value", ["bob", {}, 7, True, [7], [None], [["x"]]])
def test_participants_of_a_wrong_type_are_an_invalid_field(alice: Person, value: object) -> None:
    answer = alice.client.post("/v1/conversations", {"participant_ids": value})
    assert refused(answer) == (400, "invalid_field")


@pytest.mark.parametrize("members", [{}, {"participant_ids": None}])
def test_no_participants_are_a_missing_field(alice: Person, members: dict[str, object]) -> None:
    assert refused(alice.client.post("/v1/conversations", members)) == (400, "missing_field")


def test_an_unknown_participant_is_404(alice: Person) -> None:
    answer = alice.client.post("/v1/conversations", {"participant_ids": [str(uuid4())]})
    assert refused(answer) == (404, "user_not_found")


def test_either_participant_sees_the_conversation(talk: Talk) -> None:
    one, other = talk.one.client.get(talk.path), talk.other.client.get(talk.path)
    assert one.status == other.status == 200
    assert one.document() == other.document()
    assert set(one.document()) == {"conversation_id", "type", "participant_ids", "created_at"}


def test_a_conversation_of_others_is_answered_like_none_at_all(
    talk: Talk, newcomer: Callable[[str], Person]
) -> None:
    carol = newcomer("carol")
    nowhere = f"/v1/conversations/{uuid4()}"
    for path in (talk.path, nowhere):
        for suffix in ("", "/messages", f"/messages/{uuid4()}"):
            assert refused(carol.client.get(path + suffix)) == (404, "conversation_not_found")
        receipt = {"status": "DELIVERED", "message_ids": [str(uuid4())]}
        assert refused(carol.client.post(f"{path}/receipts", receipt)) == (
            404,
            "conversation_not_found",
        )
        short = carol.client.post(f"{path}/messages/{uuid4()}/delivered")
        assert refused(short) == (404, "conversation_not_found")
        document = {"conversation_id": path.rpartition("/")[2], "content": "a"}
        assert refused(carol.client.post("/v1/messages", document)) == (
            404,
            "conversation_not_found",
        )


@pytest.mark.parametrize("text", ["x", "123", "%20", "me"])
def test_what_is_no_uuid_is_an_invalid_conversation_id(alice: Person, text: str) -> None:
    for suffix in ("", "/messages", f"/messages/{uuid4()}"):
        answer = alice.client.get(f"/v1/conversations/{text}{suffix}")
        assert refused(answer) == (400, "invalid_conversation_id")


def test_nobody_has_conversations_at_first(alice: Person) -> None:
    answer = alice.client.get("/v1/conversations")
    assert answer.at("conversations") == []
    assert answer.at("pagination") == {
        "limit": 50,
        "count": 0,
        "has_more": False,
        "next_cursor": None,
    }


def test_mine_are_listed_with_the_newest_message_and_what_is_pending(talk: Talk) -> None:
    talk.say("one")
    talk.say("two")
    last = talk.say("three", talk.other)
    [mine] = talk.one.client.get("/v1/conversations").rows("conversations")
    [theirs] = talk.other.client.get("/v1/conversations").rows("conversations")
    assert mine["last_message"] == talk.message(last).document()
    assert mine["pending_count"] == 1
    assert theirs["pending_count"] == 2
    shown = talk.one.client.get(talk.path).document()
    assert {name: mine[name] for name in shown} == shown


def test_a_conversation_without_messages_has_no_last_one(talk: Talk) -> None:
    [mine] = talk.one.client.get("/v1/conversations").rows("conversations")
    assert mine["last_message"] is None
    assert mine["pending_count"] == 0


def test_mine_are_walked_newest_first_without_gaps_or_repeats(
    alice: Person, newcomer: Callable[[str], Person]
) -> None:
    opened = [open_with(alice, newcomer("peer")).document() for _ in range(7)]
    seen: list[object] = []
    cursor = ""
    while True:
        page = alice.client.get(f"/v1/conversations?limit=3{cursor}")
        rows = page.rows("conversations")
        seen += [(row["created_at"], row["conversation_id"]) for row in rows]
        assert page.at("pagination", "count") == len(rows)
        assert page.at("pagination", "limit") == 3
        assert (page.at("pagination", "next_cursor") is None) is not page.at(
            "pagination", "has_more"
        )
        if not page.at("pagination", "has_more"):
            break
        cursor = f"&cursor={page.text('pagination', 'next_cursor')}"
    expected = sorted(((each["created_at"], each["conversation_id"]) for each in opened), key=str)
    assert seen == expected[::-1]


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/inbox"])
def test_a_cursor_of_another_list_or_a_damaged_one_is_invalid(talk: Talk, path: str) -> None:
    foreign = talk.history().text("pagination", "resume_cursor")
    for cursor in ("", "x", "%00", foreign, foreign[:-1]):
        answer = talk.one.client.get(f"{path}?cursor={cursor}")
        assert refused(answer) == (400, "invalid_cursor")


@pytest.mark.parametrize("path", ["/v1/conversations", "/v1/inbox"])
def test_limit_and_cursor_are_told_at_once(alice: Person, path: str) -> None:
    answer = alice.client.get(f"{path}?cursor=x&limit=x")
    assert refused(answer) == (400, "invalid_limit")
    assert answer.column("errors", "field") == ["limit", "cursor"]


def test_a_cursor_of_another_user_is_invalid(
    alice: Person, bob: Person, newcomer: Callable[[str], Person]
) -> None:
    for peer in (bob, newcomer("carol")):
        open_with(alice, peer)
    cursor = alice.client.get("/v1/conversations?limit=1").text("pagination", "next_cursor")
    answer = bob.client.get(f"/v1/conversations?cursor={cursor}")
    assert refused(answer) == (400, "invalid_cursor")
