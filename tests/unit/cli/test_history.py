"""`angarium history`, as a person sees it."""

import json
import signal
import subprocess
import sys
from datetime import UTC, timedelta, timezone

import pytest

from angarium.cli.message_lines import local_time
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import START, id_of
from tests.unit.cli.own_terminal import environment_of


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


def test_somebody_unknown_is_shown_by_their_id(alice: Shell, server: FakeServer) -> None:
    server.service.take(id_of("erin"), id_of("alice"), "c", "hi")
    assert alice.run("inbox") == 0
    assert f"  {id_of('erin')}: hi" in alice.out


def test_times_are_the_readers_own() -> None:
    assert local_time(START, UTC) == "2026-04-03 12:00:00"
    assert local_time(START, timezone(timedelta(hours=5, minutes=30))) == "2026-04-03 17:30:00"


def test_the_calendars_last_day_can_be_shown(alice: Shell) -> None:
    from datetime import datetime

    assert (
        local_time(datetime.max.replace(tzinfo=UTC), timezone(timedelta(hours=14)))
        == "9999-12-31 23:59:59"
    )


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
