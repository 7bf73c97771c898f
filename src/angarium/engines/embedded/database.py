"""The file `angarium.db`: one thread writes, many read.

docs/adr/0005 explains why it is one file with one writer.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from angarium import logs
from angarium.backoff import retry
from angarium.domain.errors import SetupError, StoreUnavailable
from angarium.engines.embedded.connection_pool import FEW_READERS, ReadConnections
from angarium.engines.embedded.connections import connect, connect_to_look
from angarium.engines.embedded.data_folder import backup_hint, file_size, make_folder
from angarium.engines.embedded.database_files import DatabaseFiles
from angarium.engines.embedded.schema import Migration, known_migrations, prepare, refuse_unusable
from angarium.engines.embedded.sqlite_errors import explain, primary_code
from angarium.engines.embedded.wal_damage import LeftWal, refuse_foreign, report
from angarium.engines.embedded.write_batches import (
    MAX_WAIT_S,
    Item,
    Unavailable,
    WriteOperation,
)
from angarium.engines.embedded.write_batches import Result as Written
from angarium.engines.embedded.writer import BUSY_S, TIMEOUT_S, Writer
from angarium.file_safety import UnsafeFile, open_private, require_private

Result = TypeVar("Result")

_log = logs.get("angarium.engines.embedded")

FILE_NAME = "angarium.db"
_SUFFIXES = ("-wal", "-shm", "-journal")
"""Files that SQLite keeps beside the database, with the same contents
to protect (sqlite.org/tempfiles.html).
"""

OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables (sqlite.org/stricttables.html)."""

_LOCK_S = 0.25
"""How long opening and reading wait for a lock: one that blocks readers
is only held for moments.
"""

_OPEN_S = 5.0
"""How long a start waits while another process uses the file."""

_HINTS = {
    sqlite3.SQLITE_NOTADB: "it was left as it is; move it away or restore a backup",
    sqlite3.SQLITE_CORRUPT: "it was left as it is; restore a backup",
    sqlite3.SQLITE_FULL: "make room and start again",
    sqlite3.SQLITE_BUSY: "stop the other process, or wait until it is done",
}
_OTHER_HINT = "correct its permissions or its disk, or choose another folder with ANGARIUM_DATA"


class Database:
    """One open database; used by any thread."""

    def __init__(
        self, path: Path, partitions: int, files: DatabaseFiles, write_timeout_s: float
    ) -> None:
        """Start the writer and the pool of readers.

        Args:
            path: The database's file.
            partitions: The log's partition count.
            files: Its connections; closed with the database.
            write_timeout_s: Seconds after which a write's future fails.
        """
        self.path = path
        self.partitions = partitions
        self._writer = Writer(files.writing, timeout_s=write_timeout_s, check=files.check)
        self._readers = ReadConnections(files.reading, files.check_unless_recent)

    @classmethod
    def open(
        cls,
        folder: Path,
        partitions: int,
        migrations: Sequence[Migration] | None = None,
        readers: int = FEW_READERS,
        write_timeout_s: float = TIMEOUT_S,
    ) -> "Database":
        """Open a folder's database; make it when there is none.

        Args:
            folder: Contains `angarium.db`; made, for its owner alone,
                when it is missing.
            partitions: The log's partition count, which never changes.
            migrations: Every version of the schema; those that this
                program knows when None.
            readers: How many connections for reading there are, all of
                which are opened now.
            write_timeout_s: Seconds after which a write's future fails.

        Returns:
            The database, to be closed by the caller.

        Raises:
            SetupError: The file cannot be used; the message names it
                and says why. Nothing was overwritten.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise SetupError(
                f"this Python has SQLite {sqlite3.sqlite_version}; "
                f"{'.'.join(map(str, OLDEST_SQLITE))} or newer is needed"
            )
        make_folder(folder)
        path = folder / FILE_NAME
        steps = known_migrations() if migrations is None else migrations
        expires_at = time.monotonic() + _OPEN_S
        try:
            require_private([path, *(path.with_name(path.name + end) for end in _SUFFIXES)])
            files = retry(
                lambda: _make_ready(path, partitions, steps, readers),
                _Busy,
                lambda: expires_at - time.monotonic(),
                lambda _, wait: _log.info(
                    "retry", f"{path} is busy, trying again in {wait:.2f} s"
                ),
            )
        except _Busy as busy:
            raise _unusable(path, busy.error) from busy.error
        except sqlite3.Error as error:
            raise _unusable(path, error) from error
        except UnsafeFile as error:
            raise SetupError(f"the database is not safe: {error}") from error
        except OSError as error:
            raise SetupError(
                f"{path} cannot be opened: {error.strerror}; {_OTHER_HINT}"
            ) from error
        return cls(path, partitions, files, write_timeout_s)

    def register(
        self,
        run: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Written]],
        unavailable: Unavailable = StoreUnavailable,
        committed: Callable[[], None] | None = None,
        *,
        deferrable: bool = False,
    ) -> WriteOperation[Item, Written]:
        """Register a kind of write; see `Writer.register`.

        Args:
            run: As there.
            unavailable: As there.
            committed: As there.
            deferrable: As there.

        Returns:
            Where jobs of this kind are submitted.
        """
        return self._writer.register(run, unavailable, committed, deferrable=deferrable)

    def read(
        self,
        query: Callable[[sqlite3.Connection], Result],
        unavailable: Unavailable = StoreUnavailable,
        at_most_s: float = MAX_WAIT_S,
    ) -> Result:
        """Run a query; see `ReadConnections.read`.

        Args:
            query: As there.
            unavailable: As there.
            at_most_s: As there.

        Returns:
            What the query returned.
        """
        return self._readers.read(query, unavailable, at_most_s)

    def close(self) -> None:
        """Finish waiting writes, then disconnect; safe to repeat."""
        self._writer.close()
        self._readers.close()


class _Busy(Exception):
    """Another process uses the file; opening it is tried again."""

    def __init__(self, error: sqlite3.Error) -> None:
        """Keep SQLite's error, for the last try."""
        super().__init__(str(error))
        self.error = error


def _make_ready(
    path: Path, partitions: int, migrations: Sequence[Migration], readers: int
) -> DatabaseFiles:
    """Check the files, migrate the schema, open all connections.

    The order matters: what a crash has left is examined before SQLite
    writes anything, so that a refused file is unchanged.

    Returns:
        The open files.

    Raises:
        _Busy: Another process uses the file.
        SetupError: It cannot be used.
    """
    _refuse_wal_without_database(path)
    # SQLite would make the file readable for everybody, and opens a
    # read-only one without an error.
    os.close(open_private(path, os.O_RDWR | os.O_CREAT))
    left = LeftWal(path)
    try:
        pages = _count_pages(path)
        report(left, path)
        refuse_foreign(path, pages, lambda: _count_pages(path))
        with closing(connect_to_look(path, _LOCK_S)) as connection:
            refuse_unusable(connection, path)
        with closing(connect(path, _LOCK_S)) as connection:
            prepare(connection, path, partitions, migrations, BUSY_S)
            return DatabaseFiles(path, _LOCK_S, readers)
    except sqlite3.OperationalError as error:
        if primary_code(error) == sqlite3.SQLITE_BUSY:
            raise _Busy(error) from error
        raise


def _refuse_wal_without_database(path: Path) -> None:
    """Refuse a `-wal` without its database: SQLite would delete it."""
    wal = path.with_name(f"{path.name}-wal")
    if file_size(wal) and not file_size(path):
        raise SetupError(
            f"{path} is missing, but {wal} contains a part of it; restore a backup of all, or "
            f"move {wal} away to begin with nothing"
        )


def _count_pages(path: Path) -> int:
    """Return a database's own page count, its WAL included."""
    with closing(connect_to_look(path, _LOCK_S)) as connection:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    return pages


def _unusable(path: Path, error: sqlite3.Error) -> SetupError:
    """Return an error that says what to do about SQLite's."""
    hint = _HINTS.get(primary_code(error) or 0, _OTHER_HINT)
    if primary_code(error) in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
        hint += backup_hint(path)
    return SetupError(f"{path} cannot be used, {explain(error)}; {hint}")
