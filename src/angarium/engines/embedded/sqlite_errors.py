"""What SQLite's errors mean: an outage, or one faulty statement."""

import sqlite3

_OUTAGES = {
    sqlite3.SQLITE_BUSY: "another process holds the database",
    sqlite3.SQLITE_LOCKED: "another connection holds the database",
    sqlite3.SQLITE_PROTOCOL: "other processes kept the database from being locked",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk failed",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened",
    sqlite3.SQLITE_READONLY: "the file cannot be written",
    sqlite3.SQLITE_PERM: "the file may not be opened",
    sqlite3.SQLITE_CORRUPT: "the file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_INTERRUPT: "it took too long",
}


def primary_code(error: BaseException) -> int | None:
    """Find SQLite's primary result code.

    Args:
        error: Any exception.

    Returns:
        The code without its extension; None when the error is not
        SQLite's.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def lacks_room(error: BaseException) -> bool:
    """Check whether a write failed for lack of space.

    Args:
        error: What was raised. SQLite reports a quota, or a limit on a
            file's size, as a failed disk.

    Returns:
        True where a smaller write may succeed although this one did
        not.
    """
    return primary_code(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}


def is_outage(error: BaseException) -> bool:
    """Check whether any other statement would have failed as well.

    Args:
        error: What was raised.

    Returns:
        True for a full, failing or unreachable disk, a lock, a damaged
        file; False for a faulty statement or value.
    """
    return primary_code(error) in _OUTAGES


def explain(error: BaseException) -> str:
    """Describe an error in a few words, to follow a colon.

    Args:
        error: What was raised.

    Returns:
        The meaning of the code, and SQLite's own text.
    """
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_READONLY_DBMOVED:
        # `database_files.DataFolderLost` says all of it.
        return str(error)
    meaning = _OUTAGES.get(primary_code(error) or 0)
    return f"{meaning} ({error})" if meaning else f"{type(error).__name__}: {error}"
