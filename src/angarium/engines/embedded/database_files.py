"""Whether the open files are still the ones in the data folder.

SQLite finds a database, its `-wal` and its `-shm` by their paths each
time it opens a connection, and goes on writing to a file that was moved
or deleted (sqlite.org/howtocorrupt.html, "Unlink or rename while in
use"). A connection that is opened while a folder is being restored may
take one file from each of two folders, and ruin both. So all
connections are opened at the start (docs/adr/0005).
"""

import sqlite3
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from angarium import logs
from angarium.engines.embedded.connections import READING_CACHE_KIB, WRITING_CACHE_KIB, connect

_FileId = tuple[int, int]
"""Device and inode, which identify a file whatever its path."""

_FRESH_S = 0.05
"""How long a check of the paths counts for reads, which cannot come
from another file anyway: four calls of `stat` cost up to 0.05 ms.
"""

_log = logs.get("angarium.engines.embedded")


class DataFolderLost(sqlite3.OperationalError):
    """The folder or a file in it is not the one that was opened."""

    sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED


class DatabaseFiles:
    """The open files of one database; used by any thread.

    Attributes:
        writing: The connection that writes.
        reading: The connections that read.
    """

    def __init__(self, path: Path, busy_s: float, readers: int) -> None:
        """Open all connections and note which files they have.

        Args:
            path: The database's file, which exists and is in WAL mode.
            busy_s: Seconds that each connection waits for another
                process's lock.
            readers: The number of connections for reading.

        Raises:
            sqlite3.Error: The database cannot be opened.
        """
        self._path = path.absolute()
        self._logging = threading.Lock()
        self._lost = False
        self._checked_at = time.monotonic()
        with ExitStack() as opened:
            self.writing = _connect_and_read(self._path, busy_s, WRITING_CACHE_KIB)
            opened.callback(self.writing.close)
            self._known = {str(each): _file_id(str(each)) for each in self._paths()}
            self.reading = []
            for _ in range(readers):
                self.reading.append(_connect_and_read(self._path, busy_s, READING_CACHE_KIB))
                opened.callback(self.reading[-1].close)
            self.check()
            opened.pop_all()

    def check(self) -> None:
        """Compare the paths with the open files; log any change.

        Raises:
            DataFolderLost: A path leads to another file or to none.
        """
        reason = self._difference()
        self._checked_at = time.monotonic()
        if (reason is not None) != self._lost:
            self._log_change(reason)
        if reason is not None:
            raise DataFolderLost(reason)

    def check_unless_recent(self) -> None:
        """Check, unless all was well within _FRESH_S.

        Raises:
            DataFolderLost: As `check`.
        """
        if self._lost or time.monotonic() - self._checked_at > _FRESH_S:
            self.check()

    def _paths(self) -> tuple[Path, ...]:
        """Return the paths that must not change, the folder first."""
        name = self._path.name
        return (
            self._path.parent,
            self._path,
            self._path.with_name(f"{name}-wal"),
            self._path.with_name(f"{name}-shm"),
        )

    def _difference(self) -> str | None:
        """Return what happened to the first changed path, or None."""
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
        with self._logging:
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


def _connect_and_read(path: Path, busy_s: float, cache_kib: int) -> sqlite3.Connection:
    """Connect, and read so that SQLite opens the WAL as well."""
    connection = connect(path, busy_s, cache_kib)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _file_id(path: str) -> _FileId:
    """Return the file that a path leads to now."""
    found = Path(path).stat()
    return found.st_dev, found.st_ino
