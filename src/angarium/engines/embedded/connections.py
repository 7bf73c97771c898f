"""How a connection to the database's file is opened and configured."""

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from angarium.backoff import delays
from angarium.engines.embedded.sqlite_errors import primary_code

_JOURNAL_BYTES = 64 * 1024 * 1024
"""A `-wal` that grew larger is truncated to this size."""

WRITING_CACHE_KIB = 8 * 1024
"""Page cache of the one connection that writes."""

READING_CACHE_KIB = 1024
"""Page cache of each connection that reads: there is one a thread, and
each commit of the writer empties it. The system caches the file too.
"""

_CACHED_STATEMENTS = 400
"""Inserts of 1 to `bulk_sql.MAX_COUNT` rows are one statement each."""


def connect(path: Path, busy_s: float, cache_kib: int = READING_CACHE_KIB) -> sqlite3.Connection:
    """Open a connection that commits durably, and never implicitly.

    Args:
        path: The database's file; it is never made here.
        busy_s: Seconds to wait for another process's lock.
        cache_kib: Pages that are kept in memory, in KiB.

    Returns:
        A connection that any one thread at a time may use.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=busy_s,
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


def connect_to_look(path: Path, busy_s: float) -> sqlite3.Connection:
    """Open a connection that changes no file, not even at its end.

    The last connection that may write copies the `-wal` into the
    database and deletes it, even where the file belongs to another
    program.

    Args:
        path: The database's file; it is never made here.
        busy_s: Seconds to wait for another process's lock.

    Returns:
        A connection that any one thread at a time may use.
    """
    return sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, timeout=busy_s)


def begin(connection: sqlite3.Connection, busy_s: float) -> None:
    """Begin to write while another process may be writing.

    SQLite's own wait retries ever more rarely; while another writer
    committed without a pause it failed for a second. Frequent tries
    find the gaps between commits.

    Args:
        connection: Not in a transaction.
        busy_s: Seconds to wait for the other process.

    Raises:
        sqlite3.OperationalError: The lock did not come free, or
            something else went wrong.
    """
    give_up = time.monotonic() + busy_s
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
    """Set what every connection needs, durability above all."""
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
