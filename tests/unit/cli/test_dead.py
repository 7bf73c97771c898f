"""`angarium dead`, on the embedded engine, beside a service that has
the same folder open.
"""

import json

import pytest

from angarium.clock import SystemClock
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.ports.message_log import DeadLetter, NewRecord, Record
from tests.unit.cli.conftest import Shell

PATIENCE_S = 30.0
SECRET = b"the text of a message"


def bury(database: Database, offset: int, key: bytes | None = b"key") -> None:
    record = Record(3, offset, 1_700_000_000_000, key, SECRET, {"trace_id": b"trace-%d" % offset})
    letter = DeadLetter("undecodable_event", "no JSON", record, f"trace-{offset}")
    EmbeddedDeadLetters(database).append(letter).result(PATIENCE_S)


def test_dead_letters_are_listed_newest_first_without_their_content(
    shell: Shell, database: Database
) -> None:
    bury(database, 7)
    bury(database, 9)
    assert shell.run("dead", "list") == 0
    newest, oldest = shell.out.splitlines()
    assert newest.startswith("3:9 ")
    assert oldest.startswith("3:7 ")
    for part in ("undecodable_event", "no JSON", "trace-9"):
        assert part in newest
    assert SECRET.decode() not in shell.out
    assert shell.run("dead", "list", "--limit", "1") == 0
    assert shell.out.splitlines() == [newest]


def test_the_json_list_has_sizes_and_no_content(shell: Shell, database: Database) -> None:
    bury(database, 7)
    assert shell.run("dead", "list", "--json") == 0
    assert json.loads(shell.out) == {
        "dead_letters": [
            {
                "partition": 3,
                "offset": 7,
                "timestamp": "2023-11-14T22:13:20.000Z",
                "reason": "undecodable_event",
                "detail": "no JSON",
                "trace_id": "trace-7",
                "key_bytes": 3,
                "value_bytes": len(SECRET),
            }
        ]
    }


def test_an_empty_list_is_said(shell: Shell, database: Database) -> None:
    for argv in (("dead", "list"), ("dead", "replay", "--all")):
        assert shell.run(*argv) == 0
        assert (shell.out, shell.err) == ("", "there are no dead letters\n")


def test_a_replay_reaches_the_worker_of_a_running_service_and_stops_none_of_its_appends(
    shell: Shell, database: Database
) -> None:
    log = EmbeddedLog(database, SystemClock())
    consumer = EmbeddedConsumer(database, log, "router")
    consumer.poll(0)
    record = NewRecord(b"key", b"first", {"trace_id": "t", "schema": "1"})
    first = log.append(record).result(PATIENCE_S)
    bury(database, 7)
    assert (
        len([each for records in consumer.poll(PATIENCE_S).records.values() for each in records])
        == 1
    )

    assert shell.run("dead", "replay", "3:7") == 0
    assert (
        shell.out
        == f"3:7 was appended again as {first.partition}:{first.offset + 1} (trace id trace-7)\n"
    )

    polled = consumer.poll(0.05)
    (replayed,) = [each for records in polled.records.values() for each in records]
    assert (replayed.value, replayed.headers["trace_id"]) == (SECRET, b"trace-7")
    assert shell.run("dead", "replay", "3:7") == 0
    assert log.append(record).result(PATIENCE_S).offset == first.offset + 3


def test_all_are_replayed_oldest_first_and_those_that_cannot_be_are_named(
    shell: Shell, database: Database
) -> None:
    bury(database, 7)
    bury(database, 8, key=None)
    bury(database, 9)
    assert shell.run("dead", "replay", "--all", "--json") == 1
    told = [json.loads(line) for line in shell.out.splitlines()]
    assert [each["position"] for each in told] == ["3:7", "3:9"]
    assert [each["trace_id"] for each in told] == ["trace-7", "trace-9"]
    assert "3:8 has no key" in shell.err


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (("dead", "replay", "3:7"), 1, "there is no dead letter of 3:7; see `angarium dead list`"),
        (("dead", "replay", "37"), 2, "PARTITION:OFFSET"),
        (("dead", "replay"), 2, "--all"),
        (("dead", "replay", "3:7", "--all"), 2, "--all"),
        (("dead",), 2, "`list` or `replay`"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    argv: tuple[str, ...], status: int, words: str, shell: Shell, database: Database
) -> None:
    assert shell.run(*argv) == status
    assert words in shell.err
    assert shell.err.count("\n") == 1


def test_a_log_that_does_not_answer_is_told(shell: Shell) -> None:
    shell.environment |= {
        "ANGARIUM_KAFKA": "127.0.0.1:1",
        "ANGARIUM_CASSANDRA": "127.0.0.1:1",
        "ANGARIUM_JWT_SECRET": "0123456789abcdef" * 2,
    }
    assert shell.run("dead", "list") == 1
    assert "Kafka at 127.0.0.1:1 does not answer" in shell.err.splitlines()[-1]
