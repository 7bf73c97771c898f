import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log_starts import advance_log_starts
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.ports.message_log import Position
from tests.contract.ports.chat import Chat, record


@pytest.fixture
def inspector(database: Database) -> EmbeddedStoreInspector:
    return EmbeddedStoreInspector(database)


@pytest.fixture
def chat() -> Chat:
    return Chat()


def change(database: Database, statement: str) -> None:
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        assert connection.execute(statement).rowcount == 1


READS: dict[str, tuple[str, Callable[[EmbeddedStoreInspector, Chat], object]]] = {
    "a message": (
        "UPDATE messages SET message_id = 'hello'",
        lambda inspector, chat: inspector.messages(chat.conversation_id, None, 10),
    ),
    "an index row": (
        "UPDATE message_index SET sender_id = 'hello'",
        lambda inspector, chat: inspector.index(chat.conversation_id, None, 10),
    ),
    "a conversation": (
        "UPDATE messages SET conversation_id = 'hello'",
        lambda inspector, _: inspector.conversation_ids(None, 10),
    ),
}


@pytest.mark.parametrize("table", READS)
def test_what_is_no_id_is_named(
    database: Database, inspector: EmbeddedStoreInspector, chat: Chat, table: str
) -> None:
    record(EmbeddedMessages(database), chat.message())
    statement, read = READS[table]
    change(database, statement)
    with pytest.raises(StoreUnavailable, match=f"'hello'|{chat.conversation_id}"):
        read(inspector, chat)


def test_no_page_keeps_the_write_ahead_log_from_being_emptied(
    database: Database, inspector: EmbeddedStoreInspector, chat: Chat
) -> None:
    messages = EmbeddedMessages(database)
    record(messages, *chat.messages(50))
    page = inspector.messages(chat.conversation_id, None, 10)
    assert len(page) == 10
    inspector.index(chat.conversation_id, None, 10)
    inspector.conversation_ids(None, 10)
    record(messages, *chat.messages(50))
    with closing(sqlite3.connect(database.path, isolation_level=None)) as connection:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not busy
    assert not database.path.with_name(f"{database.path.name}-wal").stat().st_size


def test_the_start_of_a_log_is_where_retention_or_an_import_has_put_it(
    database: Database, inspector: EmbeddedStoreInspector
) -> None:
    starts = {1: Position(7, 1_700_000_000_000), 3: Position(0, 5)}

    def run(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        advance_log_starts(connection, starts)
        return items

    database.register(run).wait(None)
    assert inspector.log_starts() == starts
