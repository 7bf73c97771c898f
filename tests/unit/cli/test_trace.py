"""`angarium trace`, on the embedded engine."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.cli import export
from angarium.clock import SystemClock
from angarium.domain.errors import LogUnavailable
from angarium.domain.events import SCHEMA, NewMessage, encode
from angarium.domain.message import Message, MessagePosition, Status
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import EmbeddedLogInspector
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.ports.message_log import Appended, NewRecord
from tests.unit.cli.conftest import Shell
from tests.unit.router.events import ALICE_BOB, message

PATIENCE_S = 30.0


def append(database: Database, event: NewMessage) -> Appended:
    headers = {"trace_id": "ab" * 16, "schema": SCHEMA, "instance": "api-2"}
    record = NewRecord(str(event.conversation_id).encode(), encode(event), headers)
    return EmbeddedLog(database, SystemClock()).append(record).result(PATIENCE_S)


def test_two_ids_and_the_path_of_a_location_say_the_same(shell: Shell, database: Database) -> None:
    event = message("hello \u202e")
    appended = append(database, event)
    location = f"/v1/conversations/{ALICE_BOB}/messages/{event.message_id}"
    told = []
    for argv in (
        (str(ALICE_BOB), str(event.message_id)),
        (location,),
        (f"http://127.0.0.1:8080{location}",),
        (str(ALICE_BOB).upper(), str(event.message_id).upper()),
    ):
        assert shell.run("trace", *argv) == 0
        told.append(shell.out)
    assert len(set(told)) == 1
    assert f"messages[{appended.partition}]@{appended.offset}, " in told[0]
    assert "by api-2, trace abab" in told[0]
    assert "not stored yet: the group is 1 record behind" in told[0]
    assert "hello" not in told[0]


def test_the_json_is_one_object_and_harmless_to_a_terminal(
    shell: Shell, database: Database
) -> None:
    event = message("hello \u202e\u2028")
    append(database, event)
    assert shell.run("trace", str(ALICE_BOB), str(event.message_id), "--json") == 0
    assert shell.out.count("\n") == 1
    assert "\u202e" not in shell.out
    assert "\u2028" not in shell.out
    document = json.loads(shell.out)
    assert document["message"]["content"] == "hello \u202e\u2028"
    assert document["log"]["topic"] == "messages"
    assert list(document) == [
        "message",
        "accepted",
        "log",
        "applied",
        "stored",
        "delivered",
        "duplicates",
        "dead_letter",
    ]


def test_the_embedded_log_is_called_messages_whatever_the_setting_says(
    shell: Shell, database: Database
) -> None:
    event = message()
    append(database, event)
    shell.environment["ANGARIUM_TOPIC"] = "elsewhere"
    assert shell.run("trace", str(ALICE_BOB), str(event.message_id)) == 0
    assert "messages[" in shell.out
    assert "elsewhere" not in shell.out


def test_a_long_look_says_how_far_it_is(
    shell: Shell, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = message()
    appended = append(database, event)
    monkeypatch.setattr(export, "NOTE_EVERY_S", 0.0)
    assert shell.run("trace", str(ALICE_BOB), str(event.message_id), "--json") == 0
    assert shell.err == f"reading messages[{appended.partition}]: 1 of 1 records\n"


def test_an_unknown_message_is_one_line(shell: Shell, database: Database) -> None:
    unknown = uuid4()
    assert shell.run("trace", str(ALICE_BOB), str(unknown)) == 1
    assert shell.out == ""
    assert shell.err == (
        f"angarium: there is no message {unknown} in conversation {ALICE_BOB}: neither the log "
        "nor the store has it\n"
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "CONVERSATION_ID"),
        (("bob",), "'bob' is not a path such as /v1/conversations/"),
        ((str(ALICE_BOB),), "is not a path such as"),
        (("bob", str(ALICE_BOB)), "CONVERSATION_ID is 'bob', which is not a UUID"),
        ((str(ALICE_BOB), "1"), "MESSAGE_ID is '1', which is not a UUID"),
        ((f"/v1/conversations/{ALICE_BOB}/messages/1",), "MESSAGE_ID is '1'"),
        ((str(ALICE_BOB), "1", "2"), "2"),
    ],
)
def test_wrong_ids_are_wrong_usage(
    argv: tuple[str, ...], words: str, shell: Shell, database: Database
) -> None:
    assert shell.run("trace", *argv) == 2
    assert words in shell.err
    assert shell.err.count("\n") == 1


def test_a_folder_without_data_is_told_and_none_is_made(shell: Shell) -> None:
    assert shell.run("trace", str(ALICE_BOB), str(uuid4())) == 1
    assert "there is no data in" in shell.err
    assert not Path(shell.environment["ANGARIUM_DATA"]).exists()


def test_servers_that_do_not_answer_are_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from angarium.wiring import distributed

    monkeypatch.setattr(distributed, "INSPECTION_S", 0.1)
    shell.environment |= {
        "ANGARIUM_KAFKA": "127.0.0.1:1",
        "ANGARIUM_CASSANDRA": "127.0.0.1:1",
        "ANGARIUM_JWT_SECRET": "0123456789abcdef" * 2,
    }
    assert shell.run("trace", str(ALICE_BOB), str(uuid4())) == 1
    assert shell.out == ""
    print(shell.err)
    assert shell.err.count("\n") == 1


def test_when_the_log_is_away_the_store_is_shown_and_the_status_is_1(
    shell: Shell, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = message("hello")
    position = MessagePosition(1_700_000_000_000, 0)
    people = event.sender_id, event.recipient_id
    row = Message(event.message_id, ALICE_BOB, *people, "hello", position, Status.SENT)
    EmbeddedMessages(database).record(ALICE_BOB, [row]).result(PATIENCE_S)

    def away(_: object) -> None:
        raise LogUnavailable("the log is away")

    monkeypatch.setattr(EmbeddedLogInspector, "ranges", away)
    assert shell.run("trace", str(ALICE_BOB), str(event.message_id)) == 1
    assert "stored     position (1700000000000, 0), SENT; index agrees\n" in shell.out
    assert "log        unknown: the log does not answer\n" in shell.out
    assert shell.err == "angarium: the log is away\n"
