"""docs/http.md, "GET /v1/inbox"."""

from collections.abc import Callable

import pytest

from tests.contract.http.client import Answer, Person, Talk, refused
from tests.waiting import until


@pytest.fixture
def talks(bob: Person, newcomer: Callable[[str], Person]) -> list[Talk]:
    """Three conversations with bob."""
    opened = []
    for name in ("carol", "dave", "erin"):
        peer = newcomer(name)
        answer = peer.client.post("/v1/conversations", {"participant_ids": [str(bob.user_id)]})
        opened.append(Talk(answer.text("conversation_id"), peer, bob))
    return opened


def inbox_of(person: Person, count: int) -> Answer:
    """Read an inbox once it has so many messages: on Cassandra they are
    in the history a moment earlier.
    """
    until(
        lambda: len(person.client.get("/v1/inbox").rows("messages")) == count,
        f"an inbox of {count} messages",
    )
    return person.client.get("/v1/inbox")


def test_an_empty_inbox_is_an_empty_list(bob: Person) -> None:
    answer = bob.client.get("/v1/inbox")
    assert answer.document() == {
        "messages": [],
        "pagination": {"limit": 50, "count": 0, "has_more": False, "next_cursor": None},
    }


def test_what_was_sent_to_me_in_all_conversations_comes_oldest_first(
    bob: Person, talks: list[Talk]
) -> None:
    for number in range(6):
        talks[number % 3].say(f"message {number}")
    rows = inbox_of(bob, 6).rows("messages")
    assert {row["content"] for row in rows} == {f"message {number}" for number in range(6)}
    places = [(str(row["timestamp"]), str(row["conversation_id"])) for row in rows]
    assert places == sorted(places)


def test_what_i_sent_is_not_in_my_inbox(talk: Talk) -> None:
    talk.say("a")
    assert inbox_of(talk.other, 1).column("messages", "content") == ["a"]
    assert talk.one.client.get("/v1/inbox").at("messages") == []


def test_what_i_confirmed_is_not_in_my_inbox(talk: Talk) -> None:
    first = talk.say("first")
    talk.say("second")
    talk.other.client.post(f"{talk.path}/messages/{first}/delivered")
    until(lambda: talk.message(first).at("status") == "DELIVERED", "storing the receipt")
    until(
        lambda: talk.other.client.get("/v1/inbox").column("messages", "content") == ["second"],
        "an inbox with the other message alone",
    )


def test_a_message_in_the_inbox_is_shown_whole(talk: Talk) -> None:
    message_id = talk.say("a")
    [shown] = inbox_of(talk.other, 1).rows("messages")
    assert shown == talk.message(message_id).document()


def test_the_inbox_is_walked_without_gaps_or_repeats(bob: Person, talks: list[Talk]) -> None:
    for number in range(7):
        talks[number % 3].say(f"message {number}")
    whole = inbox_of(bob, 7).column("messages", "message_id")
    seen: list[object] = []
    page = bob.client.get("/v1/inbox?limit=2")
    while True:
        seen += page.column("messages", "message_id")
        if not page.at("pagination", "has_more"):
            break
        page = bob.client.get(f"/v1/inbox?limit=2&cursor={page.text('pagination', 'next_cursor')}")
    assert seen == whole
    assert page.at("pagination", "next_cursor") is None


def test_a_walk_goes_on_behind_what_was_confirmed_meanwhile(talk: Talk) -> None:
    ids = [talk.say(f"message {number}") for number in range(4)]
    inbox_of(talk.other, 4)
    page = talk.other.client.get("/v1/inbox?limit=2")
    for message_id in ids[:2]:
        talk.other.client.post(f"{talk.path}/messages/{message_id}/delivered")
    until(lambda: talk.message(ids[1]).at("status") == "DELIVERED", "storing the receipts")
    rest = talk.other.client.get(f"/v1/inbox?cursor={page.text('pagination', 'next_cursor')}")
    assert rest.column("messages", "message_id") == ids[2:]


def test_a_cursor_of_another_user_is_invalid(talk: Talk) -> None:
    for content in ("a", "b"):
        talk.say(content)
    inbox_of(talk.other, 2)
    cursor = talk.other.client.get("/v1/inbox?limit=1").text("pagination", "next_cursor")
    assert refused(talk.one.client.get(f"/v1/inbox?cursor={cursor}")) == (400, "invalid_cursor")


@pytest.mark.parametrize("limit", ["0", "101", "x", ""])
def test_a_limit_out_of_range_is_invalid(bob: Person, limit: str) -> None:
    assert refused(bob.client.get(f"/v1/inbox?limit={limit}")) == (400, "invalid_limit")
