"""`angarium send`, as a person sees it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import id_of
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that Linux alone has")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_stdout_does_not_make_a_message_that_was_accepted_look_failed(
    alice: Shell, server: FakeServer, options: list[str]
) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "angarium", "send", "bob", "hi", *options],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment_of(alice.environment),
            timeout=60,
            check=False,
        )
    (said,) = server.service.messages
    assert ran.returncode == 1
    assert ran.stderr.decode() == (
        f"angarium: the message was accepted ({said.message_id}), but stdout took no word of it: "
        "No space left on device; do not send it again\n"
    )


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


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_message_that_was_refused_is_not_said_to_be_accepted_perhaps(
    alice: Shell, server: FakeServer, status: int
) -> None:
    body = '{"code":"not_a_participant","detail":"It is not yours.","trace_id":"ab"}'
    server.faults.append(Fault("/v1/messages", status=status, body=body))
    assert alice.run("send", "bob", "once") == 1
    assert alice.err == "angarium: It is not yours [not_a_participant]\n"


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
        assert ran.stderr.startswith("angarium: send: the text is missing; write it after the")
