"""docs/http.md, "GET /v1/conversations/{conversation_id}/messages", and
one message.
"""

from collections.abc import Sequence
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest

from tests.contract.http.client import Answer, Talk, refused, wrong_fields

CONTENTS = [f"message {number}" for number in range(7)]


@pytest.fixture
def told(talk: Talk) -> Talk:
    """A conversation of seven messages, all of them stored."""
    for content in CONTENTS[:-1]:
        assert talk.send(content).status == 202
    talk.say(CONTENTS[-1])
    return talk


def contents(page: Answer) -> list[object]:
    assert page.status == 200
    found = page.column("messages", "content")
    assert page.at("pagination", "count") == len(found)
    assert (page.at("pagination", "next_cursor") is None) is not page.at("pagination", "has_more")
    return found


def walk(talk: Talk, query: str, beside: str = "") -> list[list[object]]:
    """Follow `next_cursor` to the end, with other parameters
    beside it.
    """
    page = talk.history(query)
    pages = [contents(page)]
    while page.at("pagination", "has_more"):
        page = talk.history(f"cursor={page.text('pagination', 'next_cursor')}&{beside}")
        pages.append(contents(page))
    return pages


def test_a_conversation_without_messages_is_an_empty_list(talk: Talk) -> None:
    page = talk.history()
    assert contents(page) == []
    assert page.at("conversation_id") == talk.conversation_id
    assert set(page.document()) == {"conversation_id", "messages", "pagination"}
    pagination = page.at("pagination")
    assert isinstance(pagination, dict)
    assert pagination["limit"] == 50
    assert pagination["order"] == "asc"
    assert pagination["has_more"] is False
    assert set(pagination) == {
        "limit",
        "count",
        "order",
        "has_more",
        "next_cursor",
        "resume_cursor",
    }


def test_both_read_the_same(told: Talk) -> None:
    assert told.history().body == told.other.client.get(f"{told.path}/messages").body


def test_everything_is_listed_oldest_first_by_default(told: Talk) -> None:
    assert contents(told.history()) == CONTENTS
    assert contents(told.history("order=desc")) == CONTENTS[::-1]


def test_a_page_holds_the_newest_whichever_way_it_is_listed(told: Talk) -> None:
    assert contents(told.history("limit=3")) == CONTENTS[-3:]
    assert contents(told.history("limit=3&order=desc")) == CONTENTS[-3:][::-1]


def test_the_cursor_walks_to_older_messages(told: Talk) -> None:
    assert walk(told, "limit=3", "limit=3") == [CONTENTS[4:], CONTENTS[1:4], CONTENTS[:1]]
    pages = walk(told, "limit=3&order=desc", "limit=3&order=desc")
    assert [text for page in pages for text in page] == CONTENTS[::-1]


def test_a_page_that_ends_exactly_at_the_oldest_has_no_more(told: Talk) -> None:
    page = told.history("limit=7")
    assert contents(page) == CONTENTS
    assert page.at("pagination", "has_more") is False


def timestamps(talk: Talk) -> Sequence[str]:
    return [str(text) for text in talk.history("limit=100").column("messages", "timestamp")]


def test_since_a_moment_the_first_after_it_and_the_cursor_walks_to_newer_ones(talk: Talk) -> None:
    talk.say("old")
    [moment] = timestamps(talk)
    talk.say("news 0")
    newer = ["news 0"]
    while timestamps(talk)[1] == moment:  # within one millisecond: not after it
        talk.say(f"news {len(newer)}")
        newer.append(f"news {len(newer)}")
    expected = [
        text
        for text, time in zip(
            talk.history("limit=100").column("messages", "content"), timestamps(talk), strict=True
        )
        if time > moment
    ]
    assert contents(talk.history(f"since_timestamp={moment}")) == expected


def test_since_the_beginning_everything_comes_oldest_first(told: Talk) -> None:
    since = "since_timestamp=0&limit=3"
    assert walk(told, since, "limit=3") == [CONTENTS[:3], CONTENTS[3:6], CONTENTS[6:]]
    pages = walk(told, f"{since}&order=desc", "limit=3&order=desc")
    assert pages == [CONTENTS[:3][::-1], CONTENTS[3:6][::-1], CONTENTS[6:]]


@pytest.mark.parametrize(
    "since",
    [
        "0",
        "100000000000",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "2000-01-01T00:00:00+05:30",
        "2000-01-01T00:00:00%2B05:30",
        "2000-01-01t00:00:00.123456789z",
    ],
)
def test_since_long_ago_in_every_form_is_everything(told: Talk, since: str) -> None:
    assert contents(told.history(f"since_timestamp={since}")) == CONTENTS


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59Z", "253402300799999"])
def test_since_the_far_future_there_is_nothing_yet(told: Talk, since: str) -> None:
    page = told.history(f"since_timestamp={since}")
    assert contents(page) == []
    assert page.at("pagination", "has_more") is False


def test_since_the_newest_message_there_is_nothing(told: Talk) -> None:
    assert contents(told.history(f"since_timestamp={timestamps(told)[-1]}")) == []


def test_a_cursor_is_complete_and_limit_and_order_may_change_beside_it(told: Talk) -> None:
    cursor = told.history("limit=2").text("pagination", "next_cursor")
    assert contents(told.history(f"cursor={cursor}&limit=4&order=desc")) == CONTENTS[1:5][::-1]
    assert contents(told.history(f"cursor={cursor}")) == CONTENTS[:5]


@pytest.mark.parametrize("since", ["9999-12-31T23:59:59Z", "yesterday", ""])
def test_beside_a_cursor_the_timestamp_is_ignored_whatever_it_says(told: Talk, since: str) -> None:
    cursor = told.history("limit=2").text("pagination", "next_cursor")
    assert contents(told.history(f"cursor={cursor}&since_timestamp={since}")) == CONTENTS[:5]


def test_a_poll_with_the_resume_cursor_misses_nothing(told: Talk) -> None:
    page = told.history("limit=2&order=desc")
    assert contents(told.history(f"cursor={page.text('pagination', 'resume_cursor')}")) == []
    told.say("one more")
    told.say("and another")
    page = told.history(f"cursor={page.text('pagination', 'resume_cursor')}")
    assert contents(page) == ["one more", "and another"]
    page = told.history(f"cursor={page.text('pagination', 'resume_cursor')}")
    assert contents(page) == []
    told.say("the last")
    page = told.history(f"cursor={page.text('pagination', 'resume_cursor')}")
    assert contents(page) == ["the last"]


def test_an_empty_page_resumes_from_what_was_asked(talk: Talk) -> None:
    from_nothing = talk.history().text("pagination", "resume_cursor")
    from_moment = talk.history("since_timestamp=100000000000").text("pagination", "resume_cursor")
    from_future = talk.history("since_timestamp=9999-12-31T23:59:59Z").text(
        "pagination", "resume_cursor"
    )
    talk.say("first")
    assert contents(talk.history(f"cursor={from_nothing}")) == ["first"]
    assert contents(talk.history(f"cursor={from_moment}")) == ["first"]
    assert contents(talk.history(f"cursor={from_future}")) == []


def test_no_message_is_skipped_or_repeated_while_new_ones_arrive(told: Talk) -> None:
    page = told.history("limit=2")
    seen = contents(page)
    arrived = 0
    while page.at("pagination", "has_more"):
        told.say(f"meanwhile {arrived}")
        arrived += 1
        page = told.history(f"limit=2&cursor={page.text('pagination', 'next_cursor')}")
        seen = contents(page) + seen
    assert seen == CONTENTS


def test_a_cursor_of_another_conversation_or_a_damaged_one_is_invalid(
    told: Talk, talk: Talk
) -> None:
    cursor = told.history("limit=2").text("pagination", "next_cursor")
    changed = ("B" if cursor[10] != "B" else "C").join([cursor[:10], cursor[11:]])
    for wrong in (
        "",
        "x",
        cursor[:-1],
        f"{cursor}A",
        changed,
        cursor[::-1],
        "é",
        "%00",
        "A" * 5000,
    ):
        answer = told.history(f"cursor={quote(wrong, safe='%')}")
        assert refused(answer) == (400, "invalid_cursor")


def test_a_cursor_is_checked_in_the_conversation_of_the_nil_id_too(talk: Talk) -> None:
    nowhere = f"/v1/conversations/{UUID(int=0)}/messages"
    assert refused(talk.one.client.get(f"{nowhere}?cursor=x")) == (400, "invalid_cursor")
    assert refused(talk.one.client.get(nowhere)) == (404, "conversation_not_found")


def test_no_cursor_is_judged_by_a_conversation_that_is_none(told: Talk) -> None:
    cursor = told.history("limit=2").text("pagination", "next_cursor")
    answer = told.one.client.get(f"/v1/conversations/x/messages?cursor={cursor}")
    assert refused(answer) == (400, "invalid_conversation_id")
    assert "errors" not in answer.document()


def test_a_cursor_belongs_to_its_conversation(told: Talk, talk: Talk) -> None:
    cursor = told.history("limit=2").text("pagination", "next_cursor")
    opened = told.other.client.post(
        "/v1/conversations", {"participant_ids": [str(told.one.user_id)]}
    )
    assert opened.text("conversation_id") == told.conversation_id
    foreign = f"/v1/conversations/{uuid4()}/messages?cursor={cursor}"
    assert refused(told.one.client.get(foreign)) == (400, "invalid_cursor")


@pytest.mark.parametrize(
    "limit", ["", "0", "101", "-1", "+1", "1.5", "ten", "%20", "1000000000000"]
)
def test_a_limit_that_is_no_integer_of_1_to_100_is_invalid(talk: Talk, limit: str) -> None:
    assert refused(talk.history(f"limit={limit}")) == (400, "invalid_limit")


def test_limits_from_1_to_100_are_valid(told: Talk) -> None:
    assert len(contents(told.history("limit=1"))) == 1
    assert told.history("limit=100").at("pagination", "limit") == 100


@pytest.mark.parametrize("order", ["", "ASC", "newest", "asc,desc", "%20asc"])
def test_any_other_order_is_invalid(talk: Talk, order: str) -> None:
    assert refused(talk.history(f"order={order}")) == (400, "invalid_order")


@pytest.mark.parametrize(
    "since",
    [
        "",
        "yesterday",
        "2025-11-17",
        "2025-11-17T12:00:00",
        "2025-02-30T12:00:00Z",
        "2025-11-17T25:00:00Z",
        "-1",
        "1.5",
        "253402300800000",
        "99999999999999999999",
    ],
)
def test_what_is_no_full_timestamp_is_invalid(talk: Talk, since: str) -> None:
    assert refused(talk.history(f"since_timestamp={since}")) == (400, "invalid_timestamp")


@pytest.mark.parametrize("since", ["1", "1763380800", "99999999999"])
def test_seconds_are_refused_and_said_to_be_seconds(talk: Talk, since: str) -> None:
    answer = talk.history(f"since_timestamp={since}")
    assert refused(answer) == (400, "invalid_timestamp")
    assert f'"{since}", which are seconds' in answer.text("detail")
    assert "milliseconds" in answer.text("detail")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=1&limit=2", "invalid_limit"),
        ("order=asc&order=asc", "invalid_order"),
        ("since_timestamp=0&since_timestamp=1", "invalid_timestamp"),
        ("cursor=a&cursor=a", "invalid_cursor"),
    ],
)
def test_a_parameter_twice_is_invalid(talk: Talk, query: str, code: str) -> None:
    assert refused(talk.history(query)) == (400, code)


def test_all_parameters_are_told_at_once(talk: Talk) -> None:
    answer = talk.history("cursor=x&order=x&limit=x&since_timestamp=x")
    assert refused(answer) == (400, "invalid_limit")
    assert wrong_fields(answer) == ["limit", "order", "cursor"]


def test_a_wrong_cursor_is_told_beside_an_unknown_parameter(talk: Talk) -> None:
    assert wrong_fields(talk.history("x=1&cursor=x&limit=0")) == ["x", "limit", "cursor"]


def test_with_a_wrong_conversation_id_only_that_is_told(told: Talk) -> None:
    cursor = told.history("limit=1").text("pagination", "next_cursor")
    answer = told.one.client.get(f"/v1/conversations/x/messages?cursor={cursor}")
    assert refused(answer) == (400, "invalid_conversation_id")
    assert "errors" not in answer.document()


def test_nothing_between_two_parameters_is_no_parameter(told: Talk) -> None:
    assert contents(told.history("&limit=1&&")) == CONTENTS[-1:]


@pytest.mark.parametrize("query", ["page=7", "Limit=1", "=", "=1", "limit%20=1", "%ff=1"])
def test_unknown_parameters_are_refused_and_the_known_ones_named(told: Talk, query: str) -> None:
    answer = told.history(query)
    assert refused(answer) == (400, "unknown_parameter")
    for known in ("limit", "order", "since_timestamp", "cursor"):
        assert known in answer.text("detail")


def test_one_message_is_shown_to_both(told: Talk) -> None:
    [shown] = told.history("limit=1").rows("messages")
    path = f"{told.path}/messages/{shown['message_id']}"
    assert told.one.client.get(path).document() == shown
    assert (
        told.other.client.get(
            path.upper()
            .replace("/V1/CONVERSATIONS", "/v1/conversations")
            .replace("/MESSAGES", "/messages")
        ).document()
        == shown
    )


def test_a_message_that_is_not_there_is_404(talk: Talk) -> None:
    assert refused(talk.message(str(uuid4()))) == (404, "message_not_found")


@pytest.mark.parametrize("text", ["x", "1", "%20"])
def test_a_message_id_that_is_no_uuid_is_invalid(talk: Talk, text: str) -> None:
    assert refused(talk.message(text)) == (400, "invalid_message_id")


def test_both_ids_of_a_path_are_told_at_once(talk: Talk) -> None:
    answer = talk.one.client.get("/v1/conversations/x/messages/y")
    assert refused(answer) == (400, "invalid_conversation_id")
    assert wrong_fields(answer) == ["conversation_id", "message_id"]
