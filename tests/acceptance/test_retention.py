"""Records that are applied and old leave the embedded log, and nobody
notices: not their readers, not who sends an id again, not the next
start, whatever dies meanwhile.
"""

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from angarium.domain.partitioning import partition_for
from tests.acceptance.caller import Answer, Caller, conversation_id
from tests.acceptance.service import Service, running, until

PAIRS = [("alice", "bob"), ("bob", "carol"), ("carol", "dave")]
SHORT = {"ANGARIUM_RETENTION": "1", "ANGARIUM_PARTITIONS": "3"}


def query(folder: Path, text: str) -> list[tuple[int, ...]]:
    """Read from the data folder beside a service, or without one."""
    with closing(
        sqlite3.connect(f"file:{folder}/data/angarium.db?mode=ro", uri=True, timeout=30)
    ) as connection:
        return connection.execute(text).fetchall()


def count(folder: Path) -> int:
    return query(folder, "SELECT count(*) FROM log")[0][0]


def until_removed(folder: Path) -> None:
    until(lambda: count(folder) == 0, "an empty log")


def place(answer: Answer) -> tuple[int, int]:
    """Read where the log has what a 202 accepted."""
    assert answer.status == 202, answer
    log = cast("dict[str, int]", answer.body["log"])
    return log["partition"], log["offset"]


def test_behind_the_removal_everything_is_as_before(folder: Path) -> None:
    with (
        running(folder, **SHORT) as service,
        Caller(service.url).log_in("alice") as alice,
        Caller(service.url).log_in("bob") as bob,
    ):
        conversation = alice.open_conversation("bob")
        path = f"/v1/conversations/{conversation}/messages"
        ids = [str(uuid4()) for _ in range(5)]
        places = [
            place(alice.send(conversation, f"number {number}", each))
            for number, each in enumerate(ids)
        ]
        until(lambda: len(alice.history(conversation)) == 5, "all stored")
        page = alice.call("GET", path, limit=2, since_timestamp=0)
        inbox = bob.call("GET", "/v1/inbox").body
        before = alice.history(conversation)
        until_removed(folder)

        assert alice.history(conversation) == before
        assert bob.call("GET", "/v1/inbox").rows("messages") == inbox["messages"]
        rest = alice.call("GET", path, limit=3, cursor=page.pagination["next_cursor"])
        assert page.rows("messages") + rest.rows("messages") == before

        again = place(alice.send(conversation, "number 1", ids[1]))
        assert again == (places[-1][0], places[-1][1] + 1)
        new = str(uuid4())
        alice.send(conversation, "new", new)
        until(lambda: len(alice.history(conversation)) == 6, "the new one is stored")
        assert alice.history(conversation)[:5] == before
        assert alice.history(conversation)[5]["message_id"] == new


def test_offsets_and_order_go_on_after_a_restart_with_an_empty_log(folder: Path) -> None:
    with running(folder, **SHORT) as service, Caller(service.url).log_in("alice") as alice:
        conversation = alice.open_conversation("bob")
        places = [place(alice.send(conversation, f"number {number}")) for number in range(3)]
        until_removed(folder)
        assert service.terminate() == 0
    with running(folder, **SHORT) as service, Caller(service.url).log_in("alice") as alice:
        assert place(alice.send(conversation, "number 3")) == (places[0][0], places[-1][1] + 1)
        until(lambda: len(alice.history(conversation)) == 4, "stored behind the others")
        assert [row["content"] for row in alice.history(conversation)] == [
            f"number {number}" for number in range(4)
        ]


def test_a_group_of_another_name_continues_behind_what_is_stored(folder: Path) -> None:
    """The watermark outlives the records that made it."""
    with running(folder, **SHORT) as service, Caller(service.url).log_in("alice") as alice:
        conversation = alice.open_conversation("bob")
        for number in range(3):
            alice.send(conversation, f"number {number}")
        until_removed(folder)
        service.kill()
    with closing(sqlite3.connect(folder / "data" / "angarium.db")) as connection, connection:
        # As if the clock had been ahead by an hour.
        connection.execute("UPDATE messages SET timestamp = timestamp + 3600000")
        connection.execute("UPDATE message_index SET timestamp = timestamp + 3600000")
        connection.execute("UPDATE log_starts SET watermark = watermark + 3600000")
    with (
        running(folder, **SHORT, ANGARIUM_GROUP="new") as service,
        Caller(service.url).log_in("alice") as alice,
    ):
        alice.send(conversation, "number 3")
        until(lambda: len(alice.history(conversation)) == 4, "stored")
        assert [row["content"] for row in alice.history(conversation)] == [
            f"number {number}" for number in range(4)
        ]


def test_without_a_worker_it_removes_what_was_applied_and_nothing_else(folder: Path) -> None:
    with (
        running(folder, ANGARIUM_PARTITIONS="3") as service,
        Caller(service.url).log_in("alice") as alice,
    ):
        conversation = alice.open_conversation("bob")
        first = place(alice.send(conversation, "applied"))
        until(lambda: len(alice.history(conversation)) == 1, "stored")
        assert service.terminate() == 0
    service = Service(folder, ["serve", "--no-worker"], **SHORT)
    try:
        with Caller(service.start().url).log_in("alice") as alice:
            waiting = place(alice.send(conversation, "waiting"))
            until(lambda: count(folder) == 1, "a log with one record")
            assert (waiting[0], waiting[1] - 1) == first
            assert removed(folder) == 1
    finally:
        service.close()
    with running(folder, **SHORT) as service, Caller(service.url).log_in("alice") as alice:
        until_removed(folder)
        assert [row["content"] for row in alice.history(conversation)] == ["applied", "waiting"]


def removed(folder: Path) -> int:
    """Count the records that were removed so far."""
    return query(folder, "SELECT coalesce(sum(offset), 0) FROM log_starts")[0][0]


def has_removed(folder: Path, goal: int) -> bool:
    return removed(folder) >= goal


def send_many(service: Service, number: int, accepted: list[str], enough: threading.Event) -> None:
    """Send until told, or until the service is gone."""
    one, other = PAIRS[number]
    with (
        suppress(OSError, AssertionError),
        Caller(service.url).log_in(one) as caller,
    ):
        conversation = caller.open_conversation(other)
        while not enough.is_set():
            message = str(uuid4())
            if caller.send(conversation, "text", message).status == 202:
                accepted.append(message)


def complaints(folder: Path) -> Iterator[str]:
    """Compare the log with its starts, and the store with both."""
    starts = {
        partition: (offset, watermark)
        for partition, offset, watermark in query(folder, "SELECT * FROM log_starts")
    }
    committed = {
        row[0]: row[1] for row in query(folder, "SELECT partition, offset FROM log_positions")
    }
    for partition in range(3):
        start, watermark = starts.get(partition, (0, -1))
        offsets = [
            offset
            for (offset,) in query(
                folder, f"SELECT offset FROM log WHERE partition = {partition} ORDER BY offset"
            )
        ]
        if offsets != list(range(start, start + len(offsets))):
            yield f"partition {partition} starts at {start} and has {offsets[:3]}…"
        if start > committed.get(partition, 0):
            yield f"partition {partition} lost what was not applied"
        if watermark != largest_time_before(folder, partition, start):
            yield f"partition {partition}: {watermark} is not the watermark before {start}"


def largest_time_before(folder: Path, partition: int, offset: int) -> int:
    """Every record here is a message, stored with the largest time up
    to its own.
    """
    ids = [str(conversation_id(*pair)) for pair in PAIRS]
    mine = ",".join(f"'{each}'" for each in ids if partition_for(each.encode(), 3) == partition)
    found = query(
        folder,
        "SELECT coalesce(max(timestamp), -1) FROM messages"
        f" WHERE seq < {offset} AND conversation_id IN ({mine})",
    )
    return found[0][0]


@pytest.mark.storm
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "kills", [pytest.param(2, marks=pytest.mark.short), pytest.param(8, marks=pytest.mark.long)]
)
def test_killed_while_it_removes_it_loses_nothing(folder: Path, kills: int) -> None:
    rng = random.Random(kills)
    accepted: list[str] = []
    for _ in range(kills):
        with running(folder, **SHORT) as service:
            enough = threading.Event()
            senders = [
                threading.Thread(target=send_many, args=(service, number, accepted, enough))
                for number in range(3)
            ]
            for sender in senders:
                sender.start()
            goal = removed(folder) + rng.randrange(1, 500)
            until(partial(has_removed, folder, goal), "a removal under way")
            service.kill()
            enough.set()
            for sender in senders:
                sender.join(60)
        assert list(complaints(folder)) == []
    with running(folder, **SHORT):
        until_removed(folder)
        stored = {str(each) for (each,) in query(folder, "SELECT message_id FROM message_index")}
        assert set(accepted) <= stored
        assert query(folder, "SELECT count(*) FROM messages") == [(len(stored),)]
        assert list(complaints(folder)) == []
