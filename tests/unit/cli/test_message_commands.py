"""`angarium send`, `history` and `inbox`."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest

from angarium.cli import session
from angarium.cli.credentials import Credentials, Login
from angarium.cli.message_lines import local_time
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import START, id_of
from tests.unit.cli.own_terminal import environment_of


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
    ("abc\udcff", "angarium: nothing was sent: not UTF-8 (byte 0xff at position 3)\n"),
    ("ä\udcff", "angarium: nothing was sent: not UTF-8 (byte 0xff at position 2)\n"),
    ("a\ud800", "angarium: nothing was sent: not UTF-8 (byte 0xed at position 1)\n"),
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


def test_a_server_that_is_silent_is_told_while_it_is_waited_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        Credentials.of(shell.environment).keep(Login(url, "alice", "id", "token", 1))
        monkeypatch.setattr(session, "SLOW_S", 0.1)
        monkeypatch.setattr(session, "TIMEOUT_S", 1.0)
        monkeypatch.setattr(session, "PATIENCE_S", 0.5)
        assert shell.run("inbox", "--url", url) == 1
    told = shell.err.splitlines()
    assert told[0].startswith(f"no answer from {url} yet, trying until ")
    assert told[-1].startswith(f"angarium: cannot reach {url}: no answer within 1 s;")
    assert len(told) == 2


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


FROM_STDIN = [
    (b"hello\n", "hello"),
    (b"hello", "hello"),
    (b"\xef\xbb\xbfhello\r\n", "hello"),
    (b" two\n\nlines \n\n", " two\n\nlines \n"),
    (b"a\xef\xbb\xbf\r", "a\ufeff\r"),
    ("ä漢😀".encode() * 1_100, "ä漢😀" * 1_100),
    (b"\xef\xbb\xbf" + b"x" * 10_240 + b"\r\n", "x" * 10_240),
]


@pytest.mark.parametrize("words", [(), ("-",)])
@pytest.mark.parametrize(("data", "text"), FROM_STDIN)
def test_the_text_may_come_from_stdin(
    data: bytes, text: str, words: tuple[str, ...], alice: Shell, server: FakeServer
) -> None:
    assert alice.run("send", "bob", *words, stdin=data) == 0, alice.err
    assert [said.content for said in server.service.messages] == [text]


NOT_FROM_STDIN = [
    (b"abc\xff\n", "angarium: nothing was sent: not UTF-8 (byte 0xff at position 3)\n"),
    (b"\xef\xbb\xbfa\xe4", "angarium: nothing was sent: not UTF-8 (byte 0xe4 at position 4)\n"),
    (b"", "angarium: nothing was sent: The text is empty or only white space"),
    (b"\n", "angarium: nothing was sent: The text is empty or only white space"),
    (b"a\0b", "angarium: nothing was sent: The character at index 1 is U+0000"),
    (
        b"x" * 10_241,
        "angarium: nothing was sent: The text has 10,241 bytes of UTF-8; send at most",
    ),
    (b"x" * 50_000, "angarium: nothing was sent: The text has more than 10,240 bytes of UTF-8; "),
]


@pytest.mark.parametrize(("data", "line"), NOT_FROM_STDIN)
def test_what_cannot_be_sent_from_stdin_is_told(
    data: bytes, line: str, alice: Shell, server: FakeServer
) -> None:
    assert alice.run("send", "bob", stdin=data) == 1
    assert alice.err.startswith(line)
    assert alice.err.count("\n") == 1
    assert server.service.messages == []


def test_an_endless_input_is_not_read_to_its_end(alice: Shell) -> None:
    with Path("/dev/zero").open() as endless:
        ran = subprocess.run(
            [sys.executable, "-m", "angarium", "send", "bob"],
            stdin=endless,
            capture_output=True,
            env=environment_of(alice.environment),
            timeout=60,
            check=False,
        )
    assert ran.returncode == 1
    assert b"more than 10,240 bytes" in ran.stderr


@pytest.mark.parametrize(("words", "status"), [((), 2), (("-",), 0)])
def test_at_a_terminal_only_a_dash_reads_what_is_typed(
    words: tuple[str, ...], status: int, alice: Shell, server: FakeServer
) -> None:
    near, far = pty.openpty()
    os.write(near, b"two\nlines\n\x04")
    ran = subprocess.run(
        [sys.executable, "-m", "angarium", "send", "bob", *words],
        stdin=far,
        capture_output=True,
        text=True,
        env=environment_of(alice.environment),
        timeout=60,
        check=False,
    )
    os.close(far)
    os.close(near)
    assert ran.returncode == status, ran.stderr
    assert [said.content for said in server.service.messages] == ["two\nlines"][: status == 0]
    if status:
        assert ran.stderr.startswith("angarium: send: the text is missing; write it behind the")


def test_history_since_a_moment_and_with_what_comes(
    alice: Shell, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        server.service.say("bob", "alice", f"n{number}")
    since = (START + timedelta(seconds=1)).isoformat()
    assert alice.run("history", "bob", "--since", since) == 0
    assert [line.split()[-1] for line in alice.out.splitlines()] == ["n1", "n2"]
    local = (START + timedelta(seconds=2)).astimezone()
    for text in (f"{local:%Y-%m-%d %H:%M:%S}", f"{local:%Y-%m-%dT%H:%M:%S}"):
        assert alice.run("history", "bob", "--since", text) == 0
        assert [line.split()[-1] for line in alice.out.splitlines()] == ["n2"]
    assert alice.run("history", "bob", "--since", "1s") == 0
    assert (alice.out, alice.err) == ("", "no messages with bob since then\n")
    assert alice.run("history", "bob", "--since", "1s", "--json") == 0
    assert json.loads(alice.out)["messages"] == []


def following(alice: Shell, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "angarium", "history", "bob", "--follow", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_of(alice.environment),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_history_follows_through_an_outage_until_it_is_interrupted(
    alice: Shell, server: FakeServer
) -> None:
    server.service.say("bob", "alice", "before")
    with following(alice) as history:
        assert history.stdout is not None
        assert history.stderr is not None
        assert history.stdout.readline().endswith("  bob: before\n")
        server.service.say("bob", "alice", "one\nmore")
        assert history.stdout.readline().endswith("  bob: one\n")
        assert history.stdout.readline().strip() == "more"
        server.stop()
        assert history.stderr.readline() == (
            f"no answer from {server.url} yet, trying until you press Ctrl-C\n"
        )
        server.service.say("bob", "alice", "after")
        server.start()
        assert history.stdout.readline().endswith("  bob: after\n")
        history.send_signal(signal.SIGINT)
        assert history.wait(60) == 130
        assert (history.stdout.read(), history.stderr.read()) == ("", "")


def test_history_follows_as_json(alice: Shell, server: FakeServer) -> None:
    with following(alice, "--json", "--all") as history:
        assert history.stdout is not None
        assert json.loads(history.stdout.readline())["messages"] == []
        server.service.say("bob", "alice", "hi")
        assert json.loads(history.stdout.readline())["messages"][0]["content"] == "hi"
        history.kill()


def test_inbox_confirms_exactly_what_it_has_shown(alice: Shell, server: FakeServer) -> None:
    ids = [server.service.say("bob", "alice", f"n{number}") for number in range(120)]
    assert alice.run("inbox", "--confirm", "--limit", "110") == 0
    assert len(alice.out.splitlines()) == 110
    assert alice.err == "confirmed: 110\nthere are more: use --all\n"
    assert server.service.receipts == ids[:110]
    assert alice.run("inbox", "--confirm", "--json") == 0
    assert len(json.loads(alice.out)["messages"]) == 10
    assert server.service.receipts == ids


def test_inbox_confirms_nothing_that_nobody_could_read(alice: Shell, server: FakeServer) -> None:
    server.service.say("bob", "alice", "hi")
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "angarium", "inbox", "--confirm"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment_of(alice.environment),
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")
    assert server.service.receipts == []
