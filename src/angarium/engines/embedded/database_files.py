"""Whether the open files are still the ones that the data folder names.

SQLite finds a database, its `-wal` and its `-shm` by their paths, at
every connection anew, and goes on writing to a file that was moved or
deleted (sqlite.org/howtocorrupt.html, "Unlink or rename while in use").
So the files of the first connection are the only ones ever used: see
docs/adr/0005-embedded-engine.md.
"""

import os
import sqlite3
import stat
import threading
import time
from pathlib import Path

from angarium import logs
from angarium.engines.embedded.connections import READING_CACHE_KIB, connect

_FileId = tuple[int, int]
"""Device and inode: what makes a file this one and no other."""

_OPEN_FILES = "/dev/fd"
"""Lists this process's descriptors, on Linux and macOS alike."""

_ATTEMPTS = 3
"""Another thread may open a file of its own during the first one."""

_FRESH_SECONDS = 0.05
"""So long one look at the paths is enough for reads, which cannot come
from another file anyway: four times `stat` costs up to 0.05 ms."""

_log = logs.get("angarium.embedded")


class DataFolderLost(sqlite3.OperationalError):
    """The folder or a file in it is not the one that was opened."""

    sqlite_errorcode = sqlite3.SQLITE_READONLY_DBMOVED


class DatabaseFiles:
    """The files of one database, kept open and watched; used by any thread."""

    def __init__(self, path: Path, busy: float) -> None:
        """Open the files and remember which they are.

        Args:
            path: The database's file, which exists and is in WAL mode.
            busy: Seconds that each connection waits for another
                process's lock.

        Raises:
            sqlite3.Error: The database cannot be opened.
        """
        self._path = path.absolute()
        self._busy = busy
        self._opening = threading.Lock()
        self._telling = threading.Lock()
        self._lost = False
        self._checked_at = time.monotonic()
        # An inode's number is free for another file once nobody holds it
        # open, and the last connection to close removes the WAL. This one
        # outlives all others.
        self._keeper = _connect_and_read(self._path, busy)
        try:
            self._known = {str(each): _file_id(str(each)) for each in self._paths()}
        except BaseException:
            self._keeper.close()
            raise

    def check(self) -> None:
        """See whether the paths still lead to the open files; log when that changes.

        Raises:
            DataFolderLost: They do not.
        """
        reason = self._difference()
        self._checked_at = time.monotonic()
        if (reason is not None) != self._lost:
            self._tell(reason)
        if reason is not None:
            raise DataFolderLost(reason)

    def check_lately(self) -> None:
        """See the same, unless all was well a moment ago.

        Raises:
            DataFolderLost: As `check`.
        """
        if self._lost or time.monotonic() - self._checked_at > _FRESH_SECONDS:
            self.check()

    def connect(self, cache_kib: int = READING_CACHE_KIB) -> sqlite3.Connection:
        """Open another connection to the very same files.

        Args:
            cache_kib: Pages that it keeps in memory, in KiB.

        Returns:
            The connection, for any one thread at a time.

        Raises:
            DataFolderLost: The paths lead elsewhere, or did for a moment.
            sqlite3.Error: The database cannot be opened.
        """
        with self._opening:
            for _ in range(_ATTEMPTS):
                connection = self._connect_if_same(cache_kib)
                if connection is not None:
                    return connection
        raise DataFolderLost(f"{self._path} was replaced while it was opened")

    def close(self) -> None:
        """Let go of the files; every other connection must be closed before."""
        self._keeper.close()

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
        """Return what happened to the first file that is not in its place, None where all are."""
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

    def _tell(self, reason: str | None) -> None:
        """Log a change once, whichever thread has noticed it."""
        with self._telling:
            if self._lost == (reason is not None):
                return
            self._lost = reason is not None
            if reason is None:
                _log.info("data_folder_found", f"{self._path.parent} is back; everything is served again")
            else:
                _log.error(
                    "data_folder_lost",
                    f"{reason}; nothing is accepted or shown until it is put back or the service restarted",
                )

    def _connect_if_same(self, cache_kib: int) -> sqlite3.Connection | None:
        """Return a new connection, None when a file came open that is not known.

        The paths may lead elsewhere for the moment of opening alone, so
        what was really opened is looked at as well.
        """
        self.check()
        before = _open_files()
        connection = _connect_and_read(self._path, self._busy, cache_kib)
        try:
            self.check()
            opened = {identity for _, identity in _open_files() - before}
        except BaseException:
            connection.close()
            raise
        if opened <= set(self._known.values()):
            return connection
        connection.close()
        return None


def _connect_and_read(path: Path, busy: float, cache_kib: int = READING_CACHE_KIB) -> sqlite3.Connection:
    """Return a connection with all its files open: SQLite opens the WAL at the first read."""
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


def _open_files() -> set[tuple[str, _FileId]]:
    """Return the plain files that this process has open, none where the system does not tell."""
    try:
        descriptors = [each.name for each in Path(_OPEN_FILES).iterdir()]
    except OSError:
        return set()
    files = set()
    for each in descriptors:
        try:
            found = os.fstat(int(each))
        except OSError:
            # Closed meanwhile; the listing's own descriptor always is.
            continue
        if stat.S_ISREG(found.st_mode):
            files.add((each, (found.st_dev, found.st_ino)))
    return files
