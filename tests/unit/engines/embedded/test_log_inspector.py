import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import EmbeddedLogInspector
from angarium.engines.embedded.log_starts import advance_log_starts
from angarium.ports.log_inspection import OffsetRange
from angarium.ports.message_log import NewRecord, Position
from tests.fakes.clock import ManualClock
from tests.unit.engines.embedded.conftest import PARTITIONS

KEY = b"key"
PARTITION = partition_for(KEY, PARTITIONS)


def fill(database: Database, clock: ManualClock, count: int) -> None:
    log = EmbeddedLog(database, clock)
    for future in [log.append(NewRecord(KEY, b"%d" % each, {})) for each in range(count)]:
        future.result(30.0)


def remove(database: Database, before: int) -> None:
    """Remove records as retention does."""

    def run(connection: sqlite3.Connection, items: Sequence[int]) -> Sequence[None]:
        for item in items:
            connection.execute(
                "DELETE FROM log WHERE partition = ? AND offset < ?", (PARTITION, item)
            )
            advance_log_starts(connection, {PARTITION: Position(item, 5)})
        return [None] * len(items)

    database.register(run).wait(before)


def test_a_log_that_retention_has_shortened_begins_where_its_records_do(
    database: Database, clock: ManualClock
) -> None:
    fill(database, clock, 5)
    inspector = EmbeddedLogInspector(database, "router", lambda: None)
    remove(database, 3)
    assert inspector.ranges()[PARTITION] == OffsetRange(3, 5)
    assert [each.offset for each in inspector.read(PARTITION, 0, 10)] == [3, 4]
    remove(database, 5)
    assert inspector.ranges()[PARTITION] == OffsetRange(5, 5)
    assert list(inspector.read(PARTITION, 0, 10)) == []


def test_a_lock_that_cannot_be_looked_at_is_told(database: Database) -> None:
    def applying() -> str:
        raise PermissionError(13, "Permission denied", "/data/lock")

    with pytest.raises(LogUnavailable, match="Permission denied"):
        EmbeddedLogInspector(database, "router", applying).members()


def test_the_writer_goes_on_while_somebody_reads(database: Database, clock: ManualClock) -> None:
    fill(database, clock, 3)
    with closing(Database.open(database.path.parent, PARTITIONS)) as elsewhere:

        def read_slowly(connection: sqlite3.Connection) -> tuple[int, int]:
            rows = connection.execute("SELECT offset FROM log ORDER BY offset")
            rows.fetchone()
            fill(database, clock, 2)
            return len(rows.fetchall()), 3

        assert elsewhere.read(read_slowly) == (2, 3)
        inspector = EmbeddedLogInspector(elsewhere, "router", lambda: None)
        assert inspector.ranges()[PARTITION] == OffsetRange(0, 5)
