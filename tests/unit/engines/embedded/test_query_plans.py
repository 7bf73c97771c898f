"""Every read is a range of an index: none grows with what other users
and conversations hold.
"""

import re
import sqlite3
from collections.abc import Callable
from uuid import UUID

import pytest

from angarium.domain.conversation import ConversationPosition
from angarium.domain.message import InboxPosition, MessagePosition
from angarium.engines.embedded import (
    bulk_sql,
    consumer,
    conversations,
    message_reader,
    message_writer,
    retention,
    store_inspector,
)
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.ports.messages import Receipt

SOMEBODY = UUID(int=1)

READS: dict[str, Callable[[sqlite3.Connection], object]] = {
    "older": lambda c: message_reader.older(c, SOMEBODY, MessagePosition(1, 1), 10),
    "newer": lambda c: message_reader.newer(c, SOMEBODY, MessagePosition(1, 1), 10),
    "find": lambda c: message_reader.find(c, SOMEBODY, [SOMEBODY]),
    "recipients": lambda c: message_reader.recipients(c, SOMEBODY, [SOMEBODY]),
    "inbox": lambda c: message_reader.inbox(c, SOMEBODY, InboxPosition(1, SOMEBODY, 1), 10),
    "summaries": lambda c: message_reader.summaries(c, SOMEBODY, [SOMEBODY]),
    "record": lambda c: message_writer.record(c, [(SOMEBODY, [])]),
    "mark_delivered": lambda c: message_writer.mark_delivered(
        c, [(SOMEBODY, [Receipt(SOMEBODY, SOMEBODY, 1)])]
    ),
    "all messages": lambda c: list(
        store_inspector._MESSAGES.run(c, str(SOMEBODY), store_inspector._BEFORE_ALL, 10)
    ),
    "all keys": lambda c: c.execute(
        store_inspector._KEYS, (str(SOMEBODY), *store_inspector._BEFORE_ALL, 10)
    ),
    "all index rows": lambda c: c.execute(store_inspector._INDEX, (str(SOMEBODY), "", 10)),
    "one index row": lambda c: c.execute(
        store_inspector._INDEX_OF, (str(SOMEBODY), str(SOMEBODY))
    ),
    "records": lambda c: consumer._poll(c, [(0, 0, 10), (1, 0, 10)]),
}


def statements(database: Database, run: Callable[[sqlite3.Connection], object]) -> list[str]:
    traced: list[str] = []

    def traced_run(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(traced.append)
        try:
            run(connection)
        finally:
            connection.set_trace_callback(None)

    database.read(traced_run)
    return traced


def plan(database: Database, statement: str) -> list[str]:
    def explain(connection: sqlite3.Connection) -> list[str]:
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]

    return database.read(explain)


def assert_ranges_only(steps: list[str]) -> None:
    tables = ("messages", "message_index", "conversations", "log", "users", "presence")
    scans = [step for step in steps if step.startswith("SCAN") and step.split()[1] in tables]
    assert scans == []
    assert not [step for step in steps if "USE TEMP B-TREE" in step]


@pytest.mark.parametrize("name", READS)
def test_a_read_scans_no_table(database: Database, name: str) -> None:
    traced = statements(database, READS[name])
    assert traced or name == "record"
    for statement in traced:
        assert_ranges_only(plan(database, statement))


@pytest.mark.parametrize(
    "statement",
    [
        message_writer._KNOWN.replace("{values}", "VALUES ('a', 'b'), ('c', 'd')"),
        conversations._GET_OF.replace("?", "NULL"),
        message_writer._DELIVER.replace(
            "{values}", "VALUES ('a', 1, 2, 'b', 3), ('c', 1, 2, 'd', 3)"
        ),
    ],
)
def test_what_the_router_looks_up_is_found_by_its_key(database: Database, statement: str) -> None:
    assert_ranges_only(plan(database, statement))


def test_what_a_user_asks_for_scans_no_table(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced: list[str] = []

    def tracing(
        connection: sqlite3.Connection, query: str, parameters: object
    ) -> list[list[bulk_sql.Value]]:
        traced.append(query)
        return []

    monkeypatch.setattr(bulk_sql, "read", tracing)
    EmbeddedConversations(database).of_user(SOMEBODY, ConversationPosition(1, SOMEBODY), 10)
    EmbeddedPresence(database).last_seen([SOMEBODY])
    assert len(traced) == 2
    for query in traced:
        assert_ranges_only(plan_with_nulls(database, query))


def plan_with_nulls(database: Database, query: str) -> list[str]:
    return plan(database, query.replace("?", "NULL"))


def test_the_stores_can_be_made_on_an_empty_database(database: Database) -> None:
    assert EmbeddedUsers(database).all() == []
    assert EmbeddedMessages(database).older(SOMEBODY, None, 10) == []


def test_conversations_are_walked_without_reading_their_messages(database: Database) -> None:
    steps = plan(
        database, store_inspector._CONVERSATION_IDS.replace("?1", "''").replace("?2", "9")
    )
    tables = ("messages", "message_index", "conversations")
    read = [step for step in steps if any(f" {table} " in step for table in tables)]
    assert read
    assert [step for step in read if not step.startswith("SEARCH")] == []


@pytest.mark.parametrize(
    "query",
    [
        retention._FIRST_DATED,
        retention._FIRST_YOUNG,
        retention._LATEST,
        retention._REMOVE,
        retention._HOLDING,
    ],
)
def test_retention_reads_no_record_that_stays(database: Database, query: str) -> None:
    steps = plan(database, re.sub(r"\?\d?", "1", query))
    read = [step for step in steps if re.match(r"(SEARCH|SCAN) log\b", step)]
    assert len(read) == 1
    assert re.search(r"SEARCH log USING PRIMARY KEY \(partition=\? AND offset[=>]", read[0])


def test_each_group_costs_one_search_however_many_partitions_there_are(
    database: Database,
) -> None:
    steps = plan(database, retention._APPLIED.replace("?1", "'router'").replace("?2", "1"))
    read = [step for step in steps if "log_positions" in step or " committed " in step]
    assert len(read) == 3
    assert [step for step in read if not step.startswith("SEARCH")] == []
