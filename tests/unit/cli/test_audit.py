"""`angarium audit`, on the embedded engine."""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.conversation import Conversation
from angarium.domain.events import SCHEMA, Event, encode
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.ports.message_log import Appended, NewRecord
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from angarium.wiring.load import open_load
from tests.unit.cli.conftest import PARTITIONS, Shell
from tests.unit.router.events import BOB, CAROL, message, receipt
from tests.unit.services.transfer import sample

PATIENCE_S = 30.0
KINDS = (
    "missing",
    "altered",
    "misplaced",
    "doubled",
    "unexplained",
    "undelivered",
    "unburied",
)


def append(database: Database, event: Event) -> Appended:
    headers = {"trace_id": "ab" * 16, "schema": SCHEMA}
    record = NewRecord(str(event.conversation_id).encode(), encode(event), headers)
    return EmbeddedLog(database, SystemClock()).append(record).result(PATIENCE_S)


def work(database: Database) -> None:
    """Let a worker apply and commit everything."""
    clock = SystemClock()
    log = EmbeddedLog(database, clock)
    worker = Worker(
        lambda: EmbeddedConsumer(database, log, "router"),
        PARTITIONS,
        EmbeddedMessages(database),
        EmbeddedDeadLetters(database),
        OnlineUsers(EmbeddedPresence(database), 30.0, clock),
        clock,
        WorkerLimits(poll_timeout_s=0, commit_interval_s=0),
    )
    give_up_at = time.monotonic() + PATIENCE_S
    while change(database, "SELECT sum(offset) FROM log_positions") != sum(log.ends()):
        assert time.monotonic() < give_up_at
        worker.step()
    worker.stop()


def change(database: Database, statement: str) -> object:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        found = connection.execute(statement).fetchone()
    return found and found[0]


def test_a_sound_store_says_what_the_log_says(shell: Shell, database: Database) -> None:
    for number in range(3):
        append(database, message(f"{number}"))
    append(database, message("other", BOB, CAROL))
    work(database)
    append(database, message("not applied yet"))
    assert shell.run("audit") == 0
    first, counts, verdict = shell.out.splitlines()
    assert first.startswith(
        "audited    4 records in 12 partitions, 4 messages in 2 conversations, in 0."
    )
    assert counts == "   ".join(f"{kind} 0" for kind in KINDS)
    assert verdict == "the store says exactly what the log says"
    assert shell.err == ""
    assert shell.run("audit", "--json") == 0
    document = json.loads(shell.out)
    assert list(document) == ["records", "messages", "conversations", "seconds", *KINDS]
    assert (document["records"], document["messages"], document["conversations"]) == (4, 4, 2)
    assert document["seconds"] >= 0
    assert [document[kind] for kind in KINDS] == [[]] * 7


def test_what_was_imported_is_said_not_to_be_compared(shell: Shell, tmp_path: Path) -> None:
    export = tmp_path / "moved.jsonl"
    export.write_bytes(sample.write(sample.entries()))
    assert shell.run("import", str(export)) == 0
    assert shell.run("audit") == 0
    first, _, older, verdict = shell.out.splitlines()
    assert first.startswith("audited    0 records in 12 partitions, 0 messages in 0 conversations")
    assert older == (
        "older      8 stored messages from before this log (imported, or removed by retention): "
        "not compared with it"
    )
    assert verdict == "the store says exactly what the log says"


def test_what_is_wrong_is_named_with_its_place_in_the_log(
    shell: Shell, database: Database
) -> None:
    lost, altered = message("lost"), message("altered", BOB, CAROL)
    places = [append(database, each) for each in (lost, altered)]
    work(database)
    change(database, "DELETE FROM messages WHERE content = 'lost'")
    change(database, "UPDATE messages SET content = 'x' WHERE content = 'altered'")
    assert shell.run("audit") == 1
    _, counts, *named, verdict = shell.out.splitlines()
    assert counts.startswith("missing 1   altered 1   misplaced 0   ")
    assert named == [
        f"{kind:<11} messages[{place.partition}]@{place.offset}, message {event.message_id} of "
        f"conversation {event.conversation_id}"
        for kind, place, event in zip(("missing", "altered"), places, (lost, altered), strict=True)
    ]
    assert verdict == "the store differs from the log: 2 findings"
    assert shell.run("audit", "--json") == 1
    document = json.loads(shell.out)
    assert document["missing"] == [
        {
            "conversation_id": str(lost.conversation_id),
            "message_id": str(lost.message_id),
            "partition": places[0].partition,
            "offset": places[0].offset,
        }
    ]
    assert len(document["altered"]) == 1
    assert shell.run("audit", "--conversation", str(lost.conversation_id).upper()) == 1
    assert shell.out.splitlines()[1].startswith("missing 1   altered 0")
    assert shell.out.startswith("audited    1 record in 1 partition, 1 message in 1 conversation")


def test_a_record_without_ids_is_named_by_its_place(shell: Shell, database: Database) -> None:
    record = NewRecord(b"key", b"poison", {})
    place = EmbeddedLog(database, SystemClock()).append(record).result(PATIENCE_S)
    work(database)
    assert shell.run("audit") == 0
    change(database, "DELETE FROM dead_letters")
    assert shell.run("audit", "--json") == 1
    assert json.loads(shell.out)["unburied"] == [
        {
            "conversation_id": None,
            "message_id": None,
            "partition": place.partition,
            "offset": place.offset,
        }
    ]
    assert shell.run("audit") == 1
    assert "a record that names no message" in shell.out


def test_of_many_findings_the_table_shows_some_and_the_json_all(
    shell: Shell, database: Database
) -> None:
    for number in range(30):
        append(database, message(f"{number}"))
    append(database, receipt([message().message_id]))
    work(database)
    change(database, "DELETE FROM messages")
    change(database, "DELETE FROM message_index")
    change(database, "DELETE FROM dead_letters")
    assert shell.run("audit") == 1
    lines = shell.out.splitlines()
    assert len(lines) == 2 + 20 + 2
    assert lines[-2] == "and 11 more; --json lists all"
    assert shell.run("audit", "--json") == 1
    document = json.loads(shell.out)
    assert (len(document["missing"]), len(document["unburied"])) == (30, 1)


@pytest.mark.parametrize("command", [["audit"], ["trace", str(uuid4()), str(uuid4())]])
def test_half_of_an_import_is_not_accused(shell: Shell, command: list[str]) -> None:
    """Its rows are of no record, which only its end says."""
    with open_load(Settings.from_env(shell.environment)) as load:
        load.loader.claim("ab" * 32)
    assert shell.run(*command) == 2
    assert "holds an import that has not ended" in shell.err
    assert shell.out == ""


def test_a_conversation_without_a_committed_record_is_known(
    shell: Shell, database: Database
) -> None:
    accepted = message("waits", sender=CAROL)
    append(database, accepted)
    opened = Conversation(uuid4(), (BOB, CAROL), 1)
    EmbeddedConversations(database).create(opened, uuid4())
    for conversation_id in (accepted.conversation_id, opened.conversation_id):
        assert shell.run("audit", "--conversation", str(conversation_id)) == 0
        assert shell.out.startswith("audited    0 records in 1 partition")


def test_a_conversation_that_nothing_is_known_of_is_an_error(
    shell: Shell, database: Database
) -> None:
    assert shell.run("audit", "--conversation", str(uuid4())) == 1
    assert shell.err.startswith("angarium: neither the log nor the store has conversation ")
    assert shell.out == ""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--conversation", "alice"), "'alice' is not a conversation's id"),
        (("--rate", "0"), "not a whole number"),
        (("--rate", "fast"), "not a whole number"),
    ],
)
def test_a_wrong_option_is_a_usage_error(shell: Shell, argv: tuple[str, str], words: str) -> None:
    assert shell.run("audit", *argv) == 2
    assert words in shell.err


def test_without_data_there_is_nothing_to_audit(shell: Shell) -> None:
    assert shell.run("audit") == 1
    assert "there is no data in" in shell.err


@pytest.mark.parametrize("command", ["audit", "status", "export", "users", "dead list"])
def test_an_empty_file_is_no_database_that_says_all_is_well(shell: Shell, command: str) -> None:
    database = Path(shell.environment["ANGARIUM_DATA"]) / "angarium.db"
    database.parent.mkdir(mode=0o700, exist_ok=True)
    database.touch(mode=0o600)
    assert shell.run(*command.split()) == 1
    assert "there is no data in" in shell.err
    assert database.stat().st_size == 0


def test_a_group_that_has_committed_nothing_has_nothing_to_show_for(
    shell: Shell, database: Database
) -> None:
    append(database, message("waits"))
    assert shell.run("audit") == 0
    assert shell.out.startswith("audited    0 records in 12 partitions")
    assert "group router has committed nothing" in shell.err
