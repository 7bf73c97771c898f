"""A file to write notes into, which shows how they were committed."""

import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.connections import connect
from angarium.engines.embedded.writer import Writer

PATIENCE = 30.0


class WriterHarness:
    """A file with one table, a writer for it, and a look at what was
    committed.
    """

    def __init__(
        self,
        path: Path,
        capacity: int = 100,
        timeout_s: float = PATIENCE,
        linger_s: float = 0.001,
        spacing_s: float = 0,
    ) -> None:
        self.path = path
        path.touch()
        with closing(connect(path, 1.0)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE notes (note INTEGER NOT NULL CHECK (note >= 0)) STRICT"
            )
        self.transactions: list[list[int]] = []
        self.statements: list[str] = []
        self.writer = Writer(self.connect(), capacity, timeout_s, linger_s, spacing_s, busy_s=0.01)
        self.notes = self.writer.register(self.add, StoreUnavailable)
        self.deferrable = self.writer.register(self.add, LogUnavailable, deferrable=True)
        self.gate = Gate(self.writer)

    def connect(self) -> sqlite3.Connection:
        connection = connect(self.path, 1.0)
        connection.set_trace_callback(self.statements.append)
        return connection

    def commits(self) -> int:
        return self.statements.count("COMMIT")

    def add(self, connection: sqlite3.Connection, notes: Sequence[int]) -> list[int]:
        self.transactions.append(list(notes))
        for note in notes:
            connection.execute("INSERT INTO notes VALUES (?)", (note,))
        return [note * 10 for note in notes]

    def kept(self) -> list[int]:
        with closing(connect(self.path, 1.0)) as connection:
            return [
                note for (note,) in connection.execute("SELECT note FROM notes ORDER BY rowid")
            ]


class Gate:
    """A job that keeps the writer busy until it is opened."""

    def __init__(self, writer: Writer) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self._kind = writer.register(self._stand, StoreUnavailable)

    def shut(self) -> "Future[None]":
        future = self._kind.submit(None)
        assert self.entered.wait(PATIENCE)
        return future

    def _stand(self, connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return items
