"""`angarium chat` between pipes, over HTTP, through restarts."""

import io
import json
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

import pytest

from angarium.cli import session
from angarium.cli.console import Console
from angarium.cli.credentials import Credentials, SavedLogin
from angarium.cli.main import main
from angarium.client.api_client import ApiClient
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.waiting import PATIENCE_S, until


@dataclass
class Chat:
    """One chat in a thread of its own."""

    environment: dict[str, str]
    options: tuple[str, ...] = ()
    name: str = "bob"
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)
    status: int | None = None

    def start(self) -> None:
        reading, writing = os.pipe()
        self._reading: TextIO = os.fdopen(reading)
        self.stdin = os.fdopen(writing, "wb", buffering=0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        console = Console(self._reading, self.out, self.err, self.environment)
        self.status = main(["chat", self.name, *self.options], console)

    def type(self, text: str) -> None:
        self.stdin.write(text.encode())

    def end(self) -> int | None:
        self.stdin.close()
        return self.wait()

    def wait(self) -> int | None:
        self._thread.join(PATIENCE_S)
        self._reading.close()
        return self.status

    def close(self) -> None:
        self.stdin.close()
        self._thread.join(PATIENCE_S)
        self._reading.close()

    def shown(self) -> list[str]:
        return self.out.getvalue().splitlines()


@pytest.fixture
def chat(alice: Shell) -> Iterator[Chat]:
    chat = Chat(alice.environment)
    chat.start()
    yield chat
    chat.close()


def said(server: FakeServer) -> list[str]:
    return [message.content for message in server.service.messages]


def test_lines_are_sent_and_shown_with_their_state(chat: Chat, server: FakeServer) -> None:
    chat.type("one\ntwo\n")
    assert chat.end() == 0
    assert said(server) == ["one", "two"]
    assert [line.split("  ", 1)[1] for line in chat.shown()] == [
        "alice: one  [sent]",
        "alice: two  [sent]",
    ]
    assert chat.err.getvalue() == ""


def test_no_control_code_is_written_into_a_pipe(chat: Chat, server: FakeServer) -> None:
    server.service.say("bob", "alice", "\x1b[31mred")
    chat.type("one\n")
    assert chat.end() == 0
    assert "\x1b" not in chat.out.getvalue() + chat.err.getvalue()
    assert "\r" not in chat.out.getvalue()


def test_both_sides_are_shown_in_the_conversations_order(chat: Chat, server: FakeServer) -> None:
    chat.type("one\n")
    until(lambda: "one" in chat.out.getvalue(), "the own line")
    server.service.say("bob", "alice", "two")
    until(lambda: "two" in chat.out.getvalue(), "the answer")
    chat.type("three")
    assert chat.end() == 0
    assert [line.split()[3] for line in chat.shown() if "alice:" in line or "bob:" in line] == [
        "one",
        "two",
        "three",
    ]


def test_what_is_shown_is_confirmed(chat: Chat, server: FakeServer) -> None:
    first = server.service.say("bob", "alice", "before")
    assert chat.end() == 0
    assert server.service.receipts == [first]


def test_a_delivery_is_told(chat: Chat, server: FakeServer) -> None:
    chat.type("one\n")
    until(lambda: "[sent]" in chat.out.getvalue(), "the own line")
    server.service.deliver([server.service.messages[0].message_id])
    until(lambda: "[delivered] 1 message" in chat.out.getvalue(), "the delivery")
    assert chat.end() == 0
    assert chat.out.getvalue().count("one") == 1


@pytest.mark.parametrize("times", [1, 3])
def test_a_restarted_server_gets_every_line_once_and_in_order(
    times: int, chat: Chat, server: FakeServer
) -> None:
    lines = [f"line {number}" for number in range(40 * (times + 1))]
    for round_ in range(times):
        chat.type("".join(f"{line}\n" for line in lines[round_ * 40 : round_ * 40 + 40]))
        until(lambda: said(server), "the first line")
        server.stop()
        until(
            lambda: chat.err.getvalue().count("lost") == chat.err.getvalue().count("back") + 1,
            "the outage",
        )
        server.start()
        until(
            lambda: chat.err.getvalue().count("lost") == chat.err.getvalue().count("back"),
            "the recovery",
        )
    chat.type("".join(f"{line}\n" for line in lines[40 * times :]))
    assert chat.end() == 0
    assert said(server) == lines
    assert [
        line.split("alice: ")[1].split("  [")[0] for line in chat.shown() if "alice: " in line
    ] == lines
    notices = chat.err.getvalue().splitlines()
    assert [notice.split()[1] for notice in notices] == ["connection", "back"] * times
    assert "connection lost, retrying…" in notices[0]


def test_answers_that_are_lost_double_nothing(chat: Chat, server: FakeServer) -> None:
    for _ in range(2):
        server.faults.append(Fault("/v1/messages", "swallow"))
        server.faults.append(Fault("/v1/messages", "drop"))
    lines = [f"line {number}" for number in range(20)]
    chat.type("".join(f"{line}\n" for line in lines))
    assert chat.end() == 0
    assert said(server) == lines
    assert not server.faults


def test_even_a_short_outage_is_told(chat: Chat, server: FakeServer) -> None:
    server.faults.append(Fault("/v1/messages"))
    chat.type("one\n")
    assert chat.end() == 0
    assert chat.err.getvalue().splitlines() == [
        "angarium: connection lost, retrying… (The log is away [log_unavailable] (trace id ab))",
        "angarium: back",
    ]


def test_lines_of_any_script_arrive_byte_for_byte(chat: Chat, server: FakeServer) -> None:
    lines = [
        "Grüße",
        "日本語 テスト",
        "שלום עולם",
        "👩‍👩‍👧‍👦",
        "क्षि",
        " spaces around ",
        "tab\tinside",
        "carriage\r",
        "e\u0301",
        "ä" * 5_120,
    ]
    chat.type("".join(f"{line}\n" for line in lines))
    assert chat.end() == 0
    assert said(server) == lines


def test_lines_that_cannot_be_sent_are_told_and_the_rest_is_sent(
    chat: Chat, server: FakeServer
) -> None:
    chat.type(f"one\n\n{'x' * 10_241}\ntwo\n")
    assert chat.end() == 1
    assert said(server) == ["one", "two"]
    assert chat.err.getvalue().splitlines() == [
        "angarium: line 2 was not sent: the line is empty",
        "angarium: line 3 was not sent: 10,241 bytes, the limit is 10,240",
    ]


def test_many_lines_at_once_are_read_as_they_can_be_sent(chat: Chat, server: FakeServer) -> None:
    lines = [f"line {number}" for number in range(1_500)]
    chat.type("".join(f"{line}\n" for line in lines))
    assert chat.end() == 0
    assert said(server) == lines


def test_an_expired_login_ends_the_chat_and_names_what_was_not_sent(
    chat: Chat, server: FakeServer
) -> None:
    chat.type("one\n")
    until(lambda: "[sent]" in chat.out.getvalue(), "the first line")
    body = '{"code":"expired_token","detail":"Expired.","trace_id":"ab"}'
    server.tokens.clear()
    server.faults.append(Fault("/", status=401, body=body))
    chat.type("two\nthree \x07\n")
    assert chat.wait() == 1
    told = chat.err.getvalue().splitlines()
    assert told[0].startswith(f"angarium: the login of alice at {server.url} ")
    assert told[0].endswith("log in again with `angarium login alice`")
    if len(told) > 1:
        assert told[-1] in {"angarium: not accepted: two", "angarium: not accepted: three \\x07"}
    assert said(server) == ["one"]


def test_a_fault_of_the_program_names_what_was_not_sent(
    alice: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setattr(ApiClient, "send", fail)
    chat = Chat(alice.environment)
    chat.start()
    chat.type("one\n")
    assert chat.wait() != 0
    chat.close()
    assert "angarium: not accepted: one" in chat.err.getvalue().splitlines()


def test_as_json_every_line_is_a_message(alice: Shell, server: FakeServer) -> None:
    server.service.say("bob", "alice", "hello")
    chat = Chat(alice.environment, ("--json",))
    chat.start()
    chat.type("hi\n")
    assert chat.end() == 0
    shown = [json.loads(line) for line in chat.shown()]
    assert [message["content"] for message in shown] == ["hello", "hi"]


def test_a_worker_that_is_behind_is_told(chat: Chat, server: FakeServer) -> None:
    server.service.storing = False
    chat.type("one\n")
    assert chat.end() == 0
    assert chat.err.getvalue() == "accepted and not yet seen stored: 1\n"


def test_a_server_that_is_silent_at_the_start_is_told_while_it_is_waited_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        Credentials.of(shell.environment).keep(SavedLogin(url, "alice", "id", "token", 1))
        monkeypatch.setattr(session, "SLOW_S", 0.1)
        chat = Chat(shell.environment, ("--url", url))
        chat.start()
        until(lambda: f"no answer from {url} yet, trying until " in chat.err.getvalue(), "a word")
        assert chat.status is None
    # The listener is closed, so the request fails before its time.
    assert chat.end() == 1


def test_nobody_to_talk_with(alice: Shell) -> None:
    chat = Chat(alice.environment, name="erin")
    chat.start()
    assert chat.end() == 1
    assert chat.err.getvalue().startswith("angarium: there is no user erin at ")
