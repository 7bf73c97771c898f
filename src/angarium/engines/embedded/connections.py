"""How the database's file is opened, and locked for writing."""

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from angarium.backoff import delays
from angarium.engines.embedded.sqlite_errors import primary_code

_JOURNAL_BYTES = 64 * 1024 * 1024
WRITING_CACHE_KIB = 8 * 1024
"""Pages that the one connection that writes keeps in memory."""
READING_CACHE_KIB = 1024
"""The same for each of those that read: there is one a thread, and each
commit of the writer makes it forget what it keeps. The system's own
cache of the file is behind it."""
_CACHED_STATEMENTS = 400
"""Inserts of 1 to `rows.MOST` rows are statements of their own."""


def connect(path: Path, busy: float, cache_kib: int = READING_CACHE_KIB) -> sqlite3.Connection:
    """Open a connection that commits durably, and only when told to.

    Args:
        path: The database's file; it is never made here.
        busy: Seconds to wait for another process's lock.
        cache_kib: Pages that are kept in memory, in KiB.

    Returns:
        A connection that any one thread at a time may use.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=busy,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_CACHED_STATEMENTS,
    )
    try:
        _configure(connection, cache_kib)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_look(path: Path, busy: float) -> sqlite3.Connection:
    """Open a connection that leaves everything as it is, at its end
    too.

    The last one that may write carries the `-wal` into the database and
    deletes it, even when what it found was no database of ours.

    Args:
        path: The database's file; it is never made here.
        busy: Seconds to wait for another process's lock.

    Returns:
        A connection that any one thread at a time may use.
    """
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=busy)


def begin(connection: sqlite3.Connection, busy: float) -> None:
    """Begin to write, when another process does as well.

    SQLite's own way of waiting looks ever more rarely, and beside a
    writer that commits back to back it looked in vain for a second; the
    gaps between commits are found by looking often.

    Args:
        connection: Not in a transaction.
        busy: Seconds to wait for the other process.

    Raises:
        sqlite3.OperationalError: The lock did not come free, or
            anything else went wrong.
    """
    give_up = time.monotonic() + busy
    for wait in delays(first=0.001, most=0.004):
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
                raise
        else:
            return
        time.sleep(wait)


def _configure(connection: sqlite3.Connection, cache_kib: int) -> None:
    """Set what every connection is to have."""
    # FULL: a commit is fsynced. On macOS a plain fsync leaves data in
    # the drive's cache (man 2 fsync), so F_FULLFSYNC is asked for as
    # well; elsewhere the two settings do nothing.
    for setting in (
        "synchronous = FULL",
        "fullfsync = ON",
        "checkpoint_fullfsync = ON",
        f"journal_size_limit = {_JOURNAL_BYTES}",
        f"cache_size = -{cache_kib}",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {setting}")
