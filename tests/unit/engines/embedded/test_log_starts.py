import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from angarium.engines.embedded.log_starts import (
    advance_log_starts,
    read_log_start,
    read_log_starts,
)
from angarium.engines.embedded.schema import known_migrations, migrate
from angarium.ports.message_log import BEGINNING, Position


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        migrate(opened, 0, known_migrations())
        yield opened


def test_a_log_from_which_nothing_was_removed_has_no_starts(
    connection: sqlite3.Connection,
) -> None:
    assert read_log_starts(connection) == {}


def test_each_partition_has_a_start_of_its_own(connection: sqlite3.Connection) -> None:
    advance_log_starts(connection, {2: Position(5, 70), 0: Position(1, 80)})
    advance_log_starts(connection, {2: Position(6, 71)})
    assert read_log_starts(connection) == {2: Position(6, 71), 0: Position(1, 80)}
    assert [read_log_start(connection, each) for each in range(3)] == [
        Position(1, 80),
        BEGINNING,
        Position(6, 71),
    ]


def test_a_start_never_goes_back_and_its_watermark_never_falls(
    connection: sqlite3.Connection,
) -> None:
    advance_log_starts(connection, {2: Position(5, 70)})
    advance_log_starts(connection, {2: Position(4, 90)})
    assert read_log_starts(connection) == {2: Position(5, 70)}
    advance_log_starts(connection, {2: Position(9, 60)})
    assert read_log_starts(connection) == {2: Position(9, 70)}
