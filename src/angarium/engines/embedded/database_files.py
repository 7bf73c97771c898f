"""Whether the open files are still the ones that the data folder names.

SQLite finds a database, its `-wal` and its `-shm` by their paths, at
every connection anew, and goes on writing to a file that was moved or
deleted (sqlite.org/howtocorrupt.html, "Unlink or rename while in use").
A connection that is opened while a folder is put back may take one file
from each of two folders, and ruin both. So every connection is opened
at the start, and none later: docs/adr/0005-embedded-engine.md.
"""

import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from angarium import logs
from angarium.engines.embedded.connections import READING_CACHE_KIB, WRITING_CACHE_KIB, connect

_FileId = tuple[int, int]
"""Device and inode: what makes a file this one and no other."""

_FRESH_SECONDS = 0.05
"""So long one look at the paths is enough for reads, which cannot come
from another file anyway: four times `stat` costs up to 0.05 ms."""

_log = logs.get("angarium.embedded")


class DataFolderLost(sqlite3.OperationalError):
    """The folder or a file in it is not the one that was opened."""

    sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED


class DatabaseFiles:
    """The files of one database, held open and watched; used by any
    thread.

    Attributes:
        writing: The connection that writes.
        reading: The connections that read.
    """

    def __init__(self, path: Path, busy: float, readers: int) -> None:
        """Open every connection and remember to which files.

        Args:
            path: The database's file, which exists and is in WAL mode.
            busy: Seconds that each connection waits for another
                process's lock.
            readers: How many connections for reading are wanted.

        Raises:
            sqlite3.Error: The database cannot be opened.
        """
        self._path = path.absolute()
        self._telling = threading.Lock()
        self._lost = False
        self._checked_at = time.monotonic()
        with ExitStack() as opened:
            self.writing = _connect_and_read(self._path, busy, WRITING_CACHE_KIB)
            opened.callback(self.writing.close)
            self._known = {str(each): _file_id(str(each)) for each in self._paths()}
            self.reading = []
            for _ in range(readers):
                self.reading.append(_connect_and_read(self._path, busy, READING_CACHE_KIB))
                opened.callback(self.reading[-1].close)
            self.check()
            opened.pop_all()

    def check(self) -> None:
        """See whether the paths still lead to the open files; log when
        that changes.

        Raises:
            DataFolderLost: They do not.
        """
        reason = self._difference()
        self._checked_at = time.monotonic()
        if (reason is not None) != self._lost:
            self._log_change(reason)
        if reason is not None:
            raise DataFolderLost(reason)

    def check_lately(self) -> None:
        """See the same, unless all was well a moment ago.

        Raises:
            DataFolderLost: As `check`.
        """
        if self._lost or time.monotonic() - self._checked_at > _FRESH_SECONDS:
            self.check()

    def _paths(self) -> tuple[Path, ...]:
        """Return what must stay in its place, the folder first."""
        name = self._path.name
        return (
            self._path.parent,
            self._path,
            self._path.with_name(f"{name}-wal"),
            self._path.with_name(f"{name}-shm"),
        )

    def _difference(self) -> str | None:
        """Return what happened to the first file that is not in its
        place, None where all are.
        """
        for path, known in self._known.items():
            try:
                found = _file_id(path)
            except FileNotFoundError:
                return f"{path} was moved or removed"
            except OSError as error:
                return f"{path} cannot be found: {error.strerror}"
            if found != known:
                return f"{path} was replaced by another"
        return None

    def _log_change(self, reason: str | None) -> None:
        """Log a change once, whichever thread has noticed it."""
        with self._telling:
            if self._lost == (reason is not None):
                return
            self._lost = reason is not None
            if reason is None:
                _log.info(
                    "data_folder_found", f"{self._path.parent} is back; everything is served again"
                )
            else:
                _log.error(
                    "data_folder_lost",
                    f"{reason}; nothing is accepted or shown until it is put back or the service "
                    "restarted",
                )


def _connect_and_read(path: Path, busy: float, cache_kib: int) -> sqlite3.Connection:
    """Return a connection with all its files open: SQLite opens the WAL
    at the first read.
    """
    connection = connect(path, busy, cache_kib)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _file_id(path: str) -> _FileId:
    """Return which file a path leads to now."""
    found = Path(path).stat()
    return found.st_dev, found.st_ino
