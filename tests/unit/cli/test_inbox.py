"""`angarium inbox`, as a person sees it."""

import json
import os
import subprocess
import sys

from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer
from tests.unit.cli.own_terminal import environment_of


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
