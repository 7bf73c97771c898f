"""What the ports' suites do not ask of every engine."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from angarium.deadline import within
from angarium.domain.conversation import Conversation
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.engines.embedded import bulk_sql
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.ports.message_log import DeadLetter, NewRecord, Record
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome
from tests.fakes.clock import ManualClock

PATIENCE = 30.0
ALICE, BOB = user_id_for("alice"), user_id_for("bob")
CONVERSATION = Conversation(uuid4(), (ALICE, BOB), 1)


def user(name: str) -> User:
    return User(user_id_for(name), name, "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA", 1)


def messages(count: int, conversation_id: UUID = CONVERSATION.conversation_id) -> list[Message]:
    return [
        Message(
            uuid4(),
            conversation_id,
            ALICE,
            BOB,
            f"text {number}",
            MessagePosition(5, number),
            Status.SENT,
        )
        for number in range(count)
    ]


@contextmanager
def write_lock(folder: Path) -> Iterator[None]:
    """Hold the database as a process that hangs in a write does."""
    with closing(sqlite3.connect(folder / "angarium.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@pytest.mark.parametrize(
    "count",
    [
        1,
        bulk_sql.MAX_COUNT - 1,
        bulk_sql.MAX_COUNT,
        bulk_sql.MAX_COUNT + 1,
        3 * bulk_sql.MAX_COUNT + 5,
    ],
)
def test_any_number_of_messages_is_stored_and_confirmed_in_one_call(
    database: Database, count: int
) -> None:
    store, sent = EmbeddedMessages(database), messages(count)
    assert (
        store.record(CONVERSATION.conversation_id, sent).result(PATIENCE)
        == (StoreOutcome.STORED,) * count
    )
    receipts = [Receipt(each.message_id, BOB, 9) for each in sent]
    marked = store.mark_delivered(CONVERSATION.conversation_id, receipts).result(PATIENCE)
    assert marked == (ReceiptOutcome.DELIVERED,) * count
    kept = store.newer(CONVERSATION.conversation_id, BEGINNING, 1000)
    assert [each.content for each in kept] == [each.content for each in sent]
    assert {(each.status, each.delivered_at) for each in kept} == {(Status.DELIVERED, 9)}


def test_no_statement_that_is_kept_keeps_more_than_some_bytes() -> None:
    texts = ["x" * 10_240, "é" * 20_000, "y", *["z" * 1_000] * 200, "x" * 300_000, "y"]
    chunks = list(bulk_sql._chunks([(text, 1, None, b"b" * 10) for text in texts]))
    assert [row[0] for chunk in chunks for row in chunk] == texts
    sizes = [sum(len(str(row[0]).encode()) for row in chunk) for chunk in chunks]
    assert all(
        len(chunk) == 1 or size <= bulk_sql.MAX_BYTES
        for chunk, size in zip(chunks, sizes, strict=True)
    )
    assert max(map(len, chunks)) == 64


def test_calls_that_share_a_commit_see_each_other(database: Database) -> None:
    store, sent = EmbeddedMessages(database), messages(3)
    futures = [store.record(CONVERSATION.conversation_id, sent) for _ in range(3)]
    assert [set(future.result(PATIENCE)) for future in futures] == [
        {StoreOutcome.STORED},
        {StoreOutcome.REPLAYED},
        {StoreOutcome.REPLAYED},
    ]


def test_a_call_without_messages_is_done_at_once(database: Database) -> None:
    store = EmbeddedMessages(database)
    assert store.record(CONVERSATION.conversation_id, []).result(PATIENCE) == ()
    assert store.mark_delivered(CONVERSATION.conversation_id, []).result(PATIENCE) == ()


def test_whoever_waits_for_a_write_waits_no_longer_than_the_deadline(
    database: Database, folder: Path
) -> None:
    with write_lock(folder), within(0.05):
        with pytest.raises(StoreUnavailable):
            EmbeddedUsers(database).put(user("alice"))
        with pytest.raises(StoreUnavailable):
            EmbeddedConversations(database).create(CONVERSATION, uuid4())


def test_readers_are_not_blocked_by_a_writer_that_hangs(database: Database, folder: Path) -> None:
    users = EmbeddedUsers(database)
    users.put(user("alice"))
    with write_lock(folder):
        assert users.get(ALICE) == user("alice")
        assert EmbeddedConversations(database).get(CONVERSATION.conversation_id, ALICE) is None
        EmbeddedConversations(database).check()


def test_in_an_outage_every_future_holds_the_ports_own_error(
    database: Database, folder: Path, clock: ManualClock
) -> None:
    store, presence = EmbeddedMessages(database), EmbeddedPresence(database)
    letter = DeadLetter("undecodable_event", "no JSON", Record(0, 0, 1, None, None), "f" * 32)
    receipt = Receipt(uuid4(), BOB, 1)
    with write_lock(folder):
        append = EmbeddedLog(database, clock).append(NewRecord(b"k", b"v", {}))
        kept = EmbeddedDeadLetters(database).append(letter)
        record = store.record(CONVERSATION.conversation_id, messages(1))
        mark = store.mark_delivered(CONVERSATION.conversation_id, [receipt])
        touch = presence.touch(ALICE, 1)
        errors = {
            "append": append.exception(PATIENCE),
            "letter": kept.exception(PATIENCE),
            "record": record.exception(PATIENCE),
            "mark": mark.exception(PATIENCE),
            "touch": touch.exception(PATIENCE),
        }
    assert {name: type(error) for name, error in errors.items()} == {
        "append": LogUnavailable,
        "letter": LogUnavailable,
        "record": StoreUnavailable,
        "mark": StoreUnavailable,
        "touch": StoreUnavailable,
    }


def test_a_closed_store_tells_it_in_the_ports_own_way(database: Database) -> None:
    store, presence = EmbeddedMessages(database), EmbeddedPresence(database)
    database.close()
    assert isinstance(
        store.record(CONVERSATION.conversation_id, messages(1)).exception(0), StoreUnavailable
    )
    assert isinstance(presence.touch(ALICE, 1).exception(0), StoreUnavailable)
    assert isinstance(presence.last_seen([ALICE]).exception(0), StoreUnavailable)
    with pytest.raises(LogUnavailable):
        EmbeddedDeadLetters(database).read(1)
    with pytest.raises(StoreUnavailable):
        EmbeddedConversations(database).check()


def test_a_text_that_cannot_be_stored_harms_no_other(database: Database) -> None:
    store, sent = EmbeddedMessages(database), messages(2)
    other = uuid4()
    bad = Message(uuid4(), other, ALICE, BOB, "\ud800", MessagePosition(5, 9), Status.SENT)
    futures = [
        store.record(CONVERSATION.conversation_id, sent),
        store.record(other, [bad]),
        store.record(CONVERSATION.conversation_id, messages(1)),
    ]
    assert [type(future.exception(PATIENCE)) for future in futures] == [
        type(None),
        StoreUnavailable,
        type(None),
    ]


def test_users_can_be_added_from_another_process_under_full_load(
    database: Database, folder: Path, clock: ManualClock
) -> None:
    log = EmbeddedLog(database, clock)
    adding = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import sys
from contextlib import closing
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from tests.unit.engines.embedded.test_stores import *
with closing(Database.open(Path(sys.argv[1]), 4)) as opened:
    for number in range(20):
        EmbeddedUsers(opened).put(user(f"user{{number}}"))
""",
            str(folder),
        ],
        env=os.environ,
    )
    appended = 0
    while adding.poll() is None:
        for future in [log.append(NewRecord(b"k", b"v", {})) for _ in range(64)]:
            future.result(PATIENCE)
            appended += 1
    assert adding.returncode == 0
    users = EmbeddedUsers(database)
    assert len(users.all()) == 20
    assert sum(log.ends()) == appended


def test_the_file_can_be_read_by_a_person(database: Database, folder: Path) -> None:
    EmbeddedUsers(database).put(user("alice"))
    EmbeddedConversations(database).create(CONVERSATION, uuid4())
    store = EmbeddedMessages(database)
    store.record(CONVERSATION.conversation_id, messages(2)).result(PATIENCE)
    with closing(sqlite3.connect(folder / "angarium.db")) as connection:
        joined = connection.execute(
            "SELECT username, content, status FROM messages JOIN users ON user_id = sender_id "
            "ORDER BY seq"
        ).fetchall()
        ids = connection.execute("SELECT conversation_id FROM conversations").fetchall()
    assert joined == [("alice", "text 0", "SENT"), ("alice", "text 1", "SENT")]
    assert ids == [(str(CONVERSATION.conversation_id),)]
