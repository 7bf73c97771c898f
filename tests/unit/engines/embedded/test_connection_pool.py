import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.connection_pool import ReadConnections
from angarium.engines.embedded.connections import connect

PATIENCE = 30.0
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def one(connection: sqlite3.Connection) -> int:
    found: tuple[int] = connection.execute("SELECT 1").fetchone()
    return found[0]


class Library:
    def __init__(self, path: Path) -> None:
        path.touch()
        self.path = path
        self.opened = [connect(path, 0.01) for _ in range(2)]
        self.connections = ReadConnections(self.opened)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    made = Library(tmp_path / "books.db")
    yield made
    made.connections.close()


def test_a_read_that_takes_too_long_is_broken_off(library: Library) -> None:
    began = time.monotonic()
    with within(0.05), pytest.raises(StoreUnavailable) as caught:
        library.connections.read(lambda connection: connection.execute(ENDLESS).fetchone())
    assert time.monotonic() - began < PATIENCE
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert library.connections.read(one) == 1


def test_without_a_deadline_the_reads_own_bound_holds(library: Library) -> None:
    with pytest.raises(LogUnavailable):
        library.connections.read(
            lambda connection: connection.execute(ENDLESS).fetchone(),
            LogUnavailable,
            at_most_s=0.05,
        )


def test_without_time_left_nothing_is_read(library: Library) -> None:
    with within(0), pytest.raises(StoreUnavailable, match="no time left"):
        library.connections.read(one)


def test_a_reader_too_many_waits_for_its_turn_and_no_longer(library: Library) -> None:
    reading, done = threading.Barrier(3), threading.Event()

    def hold(connection: sqlite3.Connection) -> int:
        reading.wait(PATIENCE)
        assert done.wait(PATIENCE)
        return one(connection)

    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(library.connections.read, hold) for _ in range(2)]
        reading.wait(PATIENCE)
        with within(0.02), pytest.raises(StoreUnavailable, match="no time left"):
            library.connections.read(one)
        done.set()
        assert [each.result(PATIENCE) for each in held] == [1, 1]
    assert library.connections.read(one) == 1


def test_a_locked_database_is_unavailable(library: Library) -> None:
    with closing(sqlite3.connect(library.path, isolation_level=None)) as other:
        other.execute("CREATE TABLE books (title TEXT)")
        for _ in library.opened:
            library.connections.read(
                lambda connection: connection.execute("SELECT * FROM books").fetchall()
            )
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreUnavailable, match="another process holds"):
            library.connections.read(
                lambda connection: connection.execute("SELECT * FROM books").fetchall()
            )


def test_a_connection_that_failed_is_used_again(library: Library) -> None:
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            library.connections.read(
                lambda connection: connection.execute("SELECT * FROM nowhere")
            )
    assert library.connections.read(one) == 1


@pytest.mark.parametrize("fault", [sqlite3.OperationalError, ZeroDivisionError])
def test_after_a_fault_in_the_middle_the_next_reader_sees_the_newest(
    library: Library, fault: type[Exception]
) -> None:
    with closing(sqlite3.connect(library.path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE books (title TEXT)")
        writer.executemany("INSERT INTO books VALUES (?)", [("one",), ("two",)])

        def fail(connection: sqlite3.Connection) -> None:
            found = connection.execute("SELECT * FROM books")
            found.fetchone()
            raise fault

        with pytest.raises((StoreUnavailable, ZeroDivisionError)) as caught:
            library.connections.read(fail)
        writer.execute("INSERT INTO books VALUES ('three')")
        for _ in range(2):
            count = library.connections.read(
                lambda each: each.execute("SELECT count(*) FROM books").fetchone()
            )
            assert count == (3,)
        assert caught.value is not None


def test_a_fault_of_our_own_is_no_outage(library: Library) -> None:
    with pytest.raises(ZeroDivisionError):
        library.connections.read(lambda connection: one(connection) // 0)
    assert library.connections.read(one) == 1


def test_a_reader_may_finish_while_everything_is_closed(library: Library) -> None:
    reading, done = threading.Event(), threading.Event()
    lent: list[sqlite3.Connection] = []

    def hold(connection: sqlite3.Connection) -> int:
        lent.append(connection)
        reading.set()
        assert done.wait(PATIENCE)
        return one(connection)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(library.connections.read, hold)
        assert reading.wait(PATIENCE)
        library.connections.close()
        done.set()
        assert held.result(PATIENCE) == 1
    with pytest.raises(StoreUnavailable):
        library.connections.read(one)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        one(lent[0])
