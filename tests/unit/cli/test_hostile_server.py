"""A server whose answers would do something to the terminal."""

import io
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

import angarium.cli
from angarium.cli.chat.layout import message_line, rows_of
from angarium.cli.chat.plain import JsonScreen, PlainScreen
from angarium.cli.console import Console
from angarium.cli.text import escape_json
from angarium.client import bodies
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import START, conversation_of, id_of

HOSTILE = "\x1b]0;mine\x07\x7f\x9b2J\x9d0;mine\x9c\u202e\u2066\u2069\u200f\u061c\u2028\u2029\r\n\b"
DANGEROUS = {"Cc", "Cs", "Zl", "Zp"}


def dangerous(
    text: str,
    bidi: str = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
) -> set[str]:
    return {each for each in text if unicodedata.category(each) in DANGEROUS or each in bidi} - {
        "\n"
    }


def make_hostile(server: FakeServer) -> None:
    server.service.say("bob", "alice", HOSTILE)
    server.service.say("alice", "bob", HOSTILE)
    for message in server.service.messages:
        message.status = "SENT" + HOSTILE


BODY_SAID = re.compile(r"\.say\((?!line\.)[^)]*\.(?:text|body)\)")
"""A body of the API, written without being escaped; `line` is one that
a command made.
"""

COMMANDS = [("send", "bob", "hi"), ("history", "bob"), ("inbox",), ("inbox", "--confirm")]


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_that_a_terminal_obeys_is_printed(
    alice: Shell, server: FakeServer, command: Sequence[str], options: Sequence[str]
) -> None:
    make_hostile(server)
    alice.run(*command, *options)
    assert alice.out
    assert dangerous(alice.out + alice.err) == set()


@pytest.mark.parametrize("screen", [PlainScreen, JsonScreen])
def test_nothing_that_a_terminal_obeys_is_printed_by_a_chat_in_a_pipe(
    server: FakeServer, screen: type[PlainScreen]
) -> None:
    make_hostile(server)
    out, err = io.StringIO(), io.StringIO()
    console = Console(io.StringIO(), out, err, {})
    page = server.service.history(conversation_of("alice", "bob"), 10)
    messages = bodies.page(json.dumps(page)).messages
    chat = screen(console, {id_of("bob"): "bob" + HOSTILE}, id_of("alice"))
    chat.show_stored(messages)
    chat.show_statuses(messages)
    chat.notice(HOSTILE)
    assert len(out.getvalue().splitlines()) >= 3
    assert dangerous(out.getvalue() + err.getvalue()) == set()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_hostile_answer_to_a_send_is_harmless(
    alice: Shell, server: FakeServer, options: Sequence[str]
) -> None:
    answer: dict[str, object] = {
        "message_id": HOSTILE,
        "conversation_id": HOSTILE,
        "status": "ACCEPTED",
    }
    answer |= {"accepted_at": "2026-04-03T12:00:00.000Z", "trace_id": HOSTILE}
    answer["log"] = {"partition": 0, "offset": 0}
    body = json.dumps(answer, ensure_ascii=False)
    server.faults.append(Fault("/v1/messages", status=202, body=body))
    alice.run("send", "bob", "hi", *options)
    assert alice.out + alice.err
    assert dangerous(alice.out + alice.err) == set()


def test_json_with_escapes_means_the_same() -> None:
    body = {HOSTILE: [HOSTILE, "plain", "ä 漢 😀", 1.5, None]}
    for indent in (None, 2):
        text = json.dumps(body, ensure_ascii=False, indent=indent)
        shown = escape_json(text.replace("\n", "\r\n"))
        assert json.loads(shown) == body
        assert dangerous(shown, "\u200e\u200f\u061c\u202e\u2066\u2069") == set()
        assert "ä 漢 😀" in shown


def test_a_hostile_status_stays_in_its_place_on_the_screen() -> None:
    (row,) = rows_of(message_line(START, "bob", "hi", "sent" + HOSTILE, True), 80, False)
    assert dangerous(row.replace("\x1b[70G", "").replace("\x1b[71G", "")) == set()


def test_bodies_of_the_server_are_printed_through_one_door_alone() -> None:
    for path in Path(str(angarium.cli.__file__)).parent.rglob("*.py"):
        for line in path.read_text().splitlines():
            assert not BODY_SAID.search(line), f"{path}: {line.strip()}"
