"""`angarium send`, `history` and `inbox`."""

import json
import re
from datetime import UTC, timedelta, timezone

import pytest

from angarium.cli.message_lines import local_time
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import START, id_of


def test_send_says_that_the_message_was_accepted(alice: Shell, server: FakeServer) -> None:
    assert alice.run("send", "bob", "shall", "we", "meet?") == 0
    (said,) = server.service.messages
    assert (said.sender_id, said.recipient_id, said.content) == (
        id_of("alice"),
        id_of("bob"),
        "shall we meet?",
    )
    assert alice.out == f"accepted for bob ({said.message_id})\n"


def test_send_as_json_prints_the_answer(alice: Shell, server: FakeServer) -> None:
    assert alice.run("send", "bob", "hi", "--json") == 0
    assert json.loads(alice.out)["message_id"] == server.service.messages[0].message_id


def test_words_that_begin_with_a_dash_come_behind_two(alice: Shell, server: FakeServer) -> None:
    assert alice.run("send", "bob", "--", "-1", "is", "it") == 0
    assert server.service.messages[0].content == "-1 is it"


UNSENDABLE = [
    ("  ", "angarium: nothing was sent: The text is empty or only white space"),
    (
        "x" * 10_241,
        "angarium: nothing was sent: The text has 10,241 bytes of UTF-8; send at most 10,240.",
    ),
    ("\udcff", "angarium: nothing was sent: The character at index 0 is a lone surrogate"),
]


@pytest.mark.parametrize(("text", "line"), UNSENDABLE)
def test_a_text_that_cannot_be_sent_is_told(
    text: str, line: str, alice: Shell, server: FakeServer
) -> None:
    assert alice.run("send", "bob", text) == 1
    assert alice.err.startswith(line)
    assert server.service.messages == []


def test_nobody_of_that_name(alice: Shell, server: FakeServer) -> None:
    assert alice.run("send", "erin", "hi") == 1
    assert alice.err == f"angarium: there is no user erin at {server.url}\n"


def test_nobody_talks_with_themselves(alice: Shell) -> None:
    assert alice.run("history", "alice") == 1
    assert alice.err == (
        "angarium: you are logged in as alice; to write as somebody else use --as NAME\n"
    )


@pytest.mark.parametrize("kind", ["drop", "swallow"])
def test_a_send_that_fails_on_its_way_is_repeated_with_the_same_id(
    kind: str, alice: Shell, server: FakeServer
) -> None:
    server.faults.append(Fault("/v1/messages", kind))
    assert alice.run("send", "bob", "once") == 0
    assert [said.content for said in server.service.messages] == ["once"]
    assert len(set(server.service.sent_ids)) == 1


def test_a_send_that_the_log_did_not_take_in_time_is_repeated(
    alice: Shell, server: FakeServer
) -> None:
    server.faults.append(Fault("/v1/messages"))
    assert alice.run("send", "bob", "once") == 0
    assert [said.content for said in server.service.messages] == ["once"]


def test_a_send_that_keeps_failing_says_that_nobody_knows(
    alice: Shell, server: FakeServer
) -> None:
    server.faults.append(Fault("/v1/messages", headers=(("Retry-After", "100"),)))
    assert alice.run("send", "bob", "once") == 1
    assert alice.err == (
        "angarium: The log is away [log_unavailable] (trace id ab)\n"
        "angarium: the message may or may not have been accepted: look with `angarium history "
        "bob`\n"
    )


def test_a_server_that_is_not_there_is_told_at_once_and_at_the_end(
    alice: Shell, server: FakeServer
) -> None:
    server.stop()
    assert alice.run("history", "bob") == 1
    first, last = alice.err.splitlines()
    assert re.fullmatch(
        rf"no answer from {server.url} yet, trying until [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}", first
    )
    assert last == (
        f"angarium: cannot reach {server.url}: connection refused; is `angarium serve` running "
        "there?"
    )
    server.start()


def test_a_server_that_comes_back_meanwhile_is_told_once(alice: Shell, server: FakeServer) -> None:
    server.faults.extend([Fault("/v1/inbox"), Fault("/v1/inbox")])
    assert alice.run("inbox") == 0
    first, _ = alice.err.splitlines()
    assert first.startswith(
        f"{server.url} answers: The log is away [log_unavailable] (trace id ab), trying until "
    )


def test_history_shows_the_oldest_first_and_own_ones_with_their_status(
    alice: Shell, server: FakeServer
) -> None:
    server.service.say("alice", "bob", "hello")
    server.service.say("bob", "alice", "hi there")
    assert alice.run("history", "bob") == 0
    first, second = alice.out.splitlines()
    assert first == f"{local_time(START)}  alice: hello  [sent]"
    assert second == f"{local_time(START + timedelta(seconds=1))}  bob: hi there"


def test_history_of_nothing_is_told_beside_the_result(alice: Shell) -> None:
    assert alice.run("history", "bob") == 0
    assert (alice.out, alice.err) == ("", "no messages with bob yet\n")
    assert alice.run("history", "bob", "--json") == 0
    assert json.loads(alice.out)["messages"] == []
    assert alice.err == ""


@pytest.mark.parametrize(
    ("options", "first", "count"),
    [
        ((), 200, 50),
        (("--limit", "3"), 247, 3),
        (("--limit", "130"), 120, 130),
        (("--limit", "999"), 0, 250),
    ],
)
def test_history_shows_the_newest_of_many(
    options: tuple[str, ...], first: int, count: int, alice: Shell, server: FakeServer
) -> None:
    for number in range(250):
        server.service.say("bob", "alice", f"n{number}")
    assert alice.run("history", "bob", *options) == 0
    shown = [line.split()[-1] for line in alice.out.splitlines()]
    assert shown == [f"n{number}" for number in range(first, first + count)]


def test_history_can_show_everything(alice: Shell, server: FakeServer) -> None:
    for number in range(250):
        server.service.say("bob", "alice", f"n{number}")
    assert alice.run("history", "bob", "--all") == 0
    assert [line.split()[-1] for line in alice.out.splitlines()] == [
        f"n{number}" for number in range(250)
    ]
    assert alice.run("history", "bob", "--all", "--json") == 0
    pages = [json.loads(line) for line in alice.out.splitlines()]
    assert [len(page["messages"]) for page in pages] == [100, 100, 50]


def test_other_peoples_text_cannot_steer_the_terminal(alice: Shell, server: FakeServer) -> None:
    server.service.say("bob", "alice", "\x1b[2Jgone\nalice: faked\r\nx\ry")
    assert alice.run("history", "bob") == 0
    begin = f"{local_time(START)}  bob: "
    assert alice.out == (
        f"{begin}\\x1b[2Jgone\n{' ' * len(begin)}alice: faked\n{' ' * len(begin)}x\\ry\n"
    )
    assert alice.run("history", "bob", "--json") == 0
    text = json.loads(alice.out)["messages"][0]["content"]
    assert text == "\x1b[2Jgone\nalice: faked\r\nx\ry"


def test_a_message_of_several_lines_has_its_status_behind_the_last(
    alice: Shell, server: FakeServer
) -> None:
    assert alice.run("send", "bob", "one\n\ntwo") == 0
    assert alice.run("history", "bob") == 0
    begin = f"{local_time(START)}  alice: "
    assert alice.out == f"{begin}one\n\n{' ' * len(begin)}two  [sent]\n"
    assert server.service.messages[0].content == "one\n\ntwo"


def test_a_servers_error_cannot_steer_the_terminal(alice: Shell, server: FakeServer) -> None:
    server.faults.append(Fault("/v1/inbox", status=400, body='{"code":"x","detail":"\\u001b[2J"}'))
    assert alice.run("inbox") == 1
    assert alice.err == "angarium: \\x1b[2J [x]\n"


def test_inbox_shows_what_waits_without_confirming_it(alice: Shell, server: FakeServer) -> None:
    server.service.say("bob", "alice", "are you there?")
    server.service.say("carol", "alice", "me too")
    server.service.say("alice", "bob", "not for me")
    assert alice.run("inbox") == 0
    assert [line.split("  ")[1] for line in alice.out.splitlines()] == [
        "bob: are you there?",
        "carol: me too",
    ]
    assert server.service.receipts == []


def test_an_empty_inbox_is_told_beside_the_result(alice: Shell) -> None:
    assert alice.run("inbox") == 0
    assert (alice.out, alice.err) == ("", "no undelivered messages\n")


def test_inbox_shows_some_or_all(alice: Shell, server: FakeServer) -> None:
    for number in range(120):
        server.service.say("bob", "alice", f"n{number}")
    assert alice.run("inbox", "--limit", "2") == 0
    assert [line.split()[-1] for line in alice.out.splitlines()] == ["n0", "n1"]
    assert alice.err == "there are more: use --all\n"
    assert alice.run("inbox", "--all", "--json") == 0
    assert [len(json.loads(line)["messages"]) for line in alice.out.splitlines()] == [100, 20]
    assert alice.err == ""


def test_somebody_unknown_is_shown_by_their_id(alice: Shell, server: FakeServer) -> None:
    server.service.take(id_of("erin"), id_of("alice"), "c", "hi")
    assert alice.run("inbox") == 0
    assert f"  {id_of('erin')}: hi" in alice.out


STRANGE: list[tuple[int, str, str]] = [
    (200, "<html>", "does not answer like an Angarium server (no JSON); check the address"),
    (200, "[]", "(no JSON object)"),
    (200, "{}", "(no messages)"),
    (200, '{"messages":[1],"pagination":{}}', "(no message)"),
    (200, '{"messages":[{}],"pagination":{}}', "(no message_id)"),
    (302, "", "angarium: 302 Found [302]"),
    (404, "<html>", "angarium: 404 Not Found [404]"),
]


@pytest.mark.parametrize(("status", "body", "line"), STRANGE)
def test_another_kind_of_server_is_told(
    status: int, body: str, line: str, alice: Shell, server: FakeServer
) -> None:
    server.faults.append(Fault("/v1/inbox", status=status, body=body))
    assert alice.run("inbox") == 1
    assert line in alice.err
    assert alice.err.count("\n") == 1


def test_times_are_the_readers_own() -> None:
    assert local_time(START, UTC) == "2026-04-03 12:00:00"
    assert local_time(START, timezone(timedelta(hours=5, minutes=30))) == "2026-04-03 17:30:00"


def test_the_calendars_last_day_can_be_shown(alice: Shell) -> None:
    from datetime import datetime

    assert (
        local_time(datetime.max.replace(tzinfo=UTC), timezone(timedelta(hours=14)))
        == "9999-12-31 23:59:59"
    )
