"""How the database's file is opened."""

import sqlite3
from pathlib import Path
from urllib.parse import quote

CHECKPOINT_PAGES = 4_000
"""Pages of 4 KiB in the write-ahead log before they are copied into the database. A copy costs two more
fsyncs, so they come rarer than by SQLite's default of 1,000."""

_JOURNAL_BYTES = 64 * 1024 * 1024
_CACHE_KIB = 16 * 1024
_CACHED_STATEMENTS = 400
"""Inserts of 1 to `rows.MOST` rows are statements of their own."""


def connect(path: Path, busy: float) -> sqlite3.Connection:
    """Open a connection that commits durably, and only when told to.

    Args:
        path: The database's file; it is never made here.
        busy: Seconds to wait for another process's lock.

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
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    # FULL: a commit is fsynced. On macOS a plain fsync leaves data in the drive's cache (man 2 fsync), so
    # F_FULLFSYNC is asked for as well; elsewhere the two settings do nothing.
    for setting in (
        "synchronous = FULL",
        "fullfsync = ON",
        "checkpoint_fullfsync = ON",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"journal_size_limit = {_JOURNAL_BYTES}",
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
    ):
        connection.execute(f"PRAGMA {setting}")
