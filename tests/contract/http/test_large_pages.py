"""docs/http.md limits a page: about 1 MiB of JSON, whatever is in
it.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.contract.http.client import Answer, Person, Talk
from tests.waiting import until

MAX_BYTES = 10_240
"""Bytes of a text."""

ABOUT = 1024 * 1024 + 128 * 1024
"""Bytes of a page at most: about 1 MiB."""

TEXTS = {
    "control characters": "\x01" * MAX_BYTES,
    "quotes": '"' * MAX_BYTES,
    "letters": "a" * MAX_BYTES,
    "letters and an emoji": "😀" + "a" * (MAX_BYTES - 4),
}


def walk(client_get: Callable[[str], Answer], path: str, name: str) -> Iterator[Answer]:
    """Follow `next_cursor` to the end, and check what is said of each
    page.
    """
    page = client_get(path)
    separator = "&" if "?" in path else "?"
    while True:
        shown = page.rows(name)
        assert shown or not page.at("pagination", "has_more")
        assert page.at("pagination", "count") == len(shown)
        assert len(page.body) <= ABOUT
        yield page
        cursor = page.at("pagination", "next_cursor")
        assert (cursor is None) is not page.at("pagination", "has_more")
        if cursor is None:
            return
        page = client_get(f"{path}{separator}cursor={cursor}")


def numbered(number: int, text: str) -> str:
    """Make a text of the largest size that differs from the others."""
    return f"{number:03}{text[: len(text) - 3]}"


@pytest.fixture(params=TEXTS)
def large(request: pytest.FixtureRequest, talk: Talk) -> Talk:
    """A conversation of more of the largest messages than fit on two
    pages of control characters.
    """
    text: str = TEXTS[request.param]
    for number in range(39):
        assert talk.send(numbered(number, text)).status == 202
    talk.say(numbered(39, text))
    return talk


def numbers(page: Answer) -> list[int]:
    return [int(str(content)[:3]) for content in page.column("messages", "content")]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_history_of_large_messages_is_walked_both_ways_in_pages_that_end_early(
    large: Talk, order: str
) -> None:
    get = large.one.client.get
    older = [
        numbers(each)
        for each in walk(get, f"{large.path}/messages?limit=100&order={order}", "messages")
    ]
    newer = [
        numbers(each)
        for each in walk(
            get, f"{large.path}/messages?limit=100&order={order}&since_timestamp=0", "messages"
        )
    ]
    for pages, every in ((older, list(range(40))[::-1]), (newer, list(range(40)))):
        assert [number for page in pages for number in sorted(page, reverse=every[0] > 0)] == every
        assert all(page == sorted(page, reverse=order == "desc") for page in pages)


def test_polling_with_the_resume_cursor_misses_nothing_behind_a_page_that_ended_early(
    large: Talk,
) -> None:
    seen: list[int] = []
    page = large.history("limit=100&since_timestamp=0")
    while shown := numbers(page):
        seen += shown
        page = large.history(f"limit=100&cursor={page.text('pagination', 'resume_cursor')}")
    assert seen == list(range(40))


def test_an_inbox_of_large_messages_is_walked_in_pages_that_end_early(large: Talk) -> None:
    def walked() -> list[int]:
        pages = walk(large.other.client.get, "/v1/inbox?limit=100", "messages")
        return [number for page in pages for number in numbers(page)]

    # On Cassandra they are in the history a moment earlier.
    until(lambda: len(walked()) == 40, "an inbox of forty messages")
    assert walked() == list(range(40))


def test_a_list_of_conversations_with_large_last_messages_is_walked_in_pages_that_end_early(
    bob: Person, newcomer: Callable[[str], Person]
) -> None:
    opened: list[str] = []
    for _ in range(40):
        peer = newcomer("peer")
        answer = peer.client.post("/v1/conversations", {"participant_ids": [str(bob.user_id)]})
        opened.append(answer.text("conversation_id"))
        sent = {"conversation_id": opened[-1], "content": "\x01" * MAX_BYTES}
        assert peer.client.post("/v1/messages", sent).status == 202
    until(
        lambda: (
            sum(
                len(each.rows("messages"))
                for each in walk(bob.client.get, "/v1/inbox", "messages")
            )
            == 40
        ),
        "storing forty messages",
    )
    pages = list(walk(bob.client.get, "/v1/conversations?limit=100", "conversations"))
    assert len(pages) > 1
    listed = [row for page in pages for row in page.rows("conversations")]
    assert {row["conversation_id"] for row in listed} == set(opened)
    places = [(str(row["created_at"]), str(row["conversation_id"])) for row in listed]
    assert places == sorted(set(places), reverse=True)


def test_a_hundred_of_the_largest_plain_texts_are_one_page(talk: Talk) -> None:
    for _ in range(99):
        assert talk.send("a" * MAX_BYTES).status == 202
    talk.say("a" * MAX_BYTES)
    page = talk.history("limit=100")
    assert len(page.rows("messages")) == 100
    assert page.at("pagination", "has_more") is False
