"""Checking a database file and migrating its schema."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from angarium.domain.errors import SetupError
from angarium.engines.embedded.connections import begin
from angarium.engines.embedded.data_folder import backup_hint


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: The version after it; it applies to the one before.
        script: SQL statements.
    """

    version: int
    script: str


_SCRIPTS = ("schema.sql", "schema_2_log_starts.sql", "schema_3_imports.sql")
"""The script of each version, in order; a new one is added at the end.
"""


def known_migrations() -> Sequence[Migration]:
    """Read the steps that this program knows.

    Returns:
        In order, from an empty file to the newest version.
    """
    return tuple(
        Migration(version, Path(__file__).with_name(name).read_text(encoding="utf-8"))
        for version, name in enumerate(_SCRIPTS, start=1)
    )


def migrate(connection: sqlite3.Connection, version: int, migrations: Sequence[Migration]) -> int:
    """Apply the steps that a database lacks.

    Args:
        connection: In a transaction, so that a step that fails undoes
            them all.
        version: The database's current version, 0 for an empty one.
        migrations: Every step, in order.

    Returns:
        The version that it has now.
    """
    for migration in migrations:
        if migration.version == version + 1:
            for statement in _statements(migration.script):
                connection.execute(statement)
            version = migration.version
    return version


def _statements(script: str) -> Iterator[str]:
    """Yield a script's statements one by one.

    `executescript` would commit first and so end the transaction.

    Raises:
        ValueError: The script is incomplete, an error in this package.

    Yields:
        SQL statements.
    """
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(
            f"the script ends in the middle of a statement: {statement.strip()[:60]!r}"
        )


APPLICATION_ID = 0x416E6761
"""`Anga` in ASCII, in the file's header (sqlite.org/fileformat2.html,
"Application ID").
"""

CHECK_S = 1.0
"""Time limit for the check for damage; of a larger file only a part is
checked.
"""

_STEPS_BETWEEN_CHECKS = 10_000
"""SQLite's virtual steps between two looks at the clock: about 1 ms."""


def refuse_unusable(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is another program's or damaged.

    Args:
        connection: To the file.
        path: Named in errors.

    Raises:
        SetupError: The file is another program's or damaged.
        sqlite3.Error: It cannot be read at all.
    """
    _refuse_foreign(connection, path)
    _refuse_damaged(connection, path)


def prepare(
    connection: sqlite3.Connection,
    path: Path,
    partitions: int,
    migrations: Sequence[Migration],
    busy_s: float,
) -> None:
    """Make an empty file a database, or migrate an existing one.

    Args:
        connection: The first that may write to the file.
        path: Named in errors.
        partitions: The partition count that the settings ask for.
        migrations: Every step that this program knows, in order.
        busy_s: Seconds to wait for another process.

    Raises:
        SetupError: The file is damaged, of a newer version or made with
            another partition count; nothing in it was changed.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    begin(connection, busy_s)
    try:
        _migrate_checked(connection, path, partitions, migrations)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file with tables but without our APPLICATION_ID."""
    if (
        not _is_empty(connection)
        and _number(connection, "PRAGMA application_id") != APPLICATION_ID
    ):
        raise SetupError(
            f"{path} is the database of another program; move it away or choose another folder "
            f"with ANGARIUM_DATA{backup_hint(path)}"
        )


def _refuse_damaged(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file in which `quick_check` finds damage in time."""
    give_up = time.monotonic() + CHECK_S
    connection.set_progress_handler(lambda: time.monotonic() >= give_up, _STEPS_BETWEEN_CHECKS)
    try:
        found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise SetupError(
            f"{path} is damaged ({found}); it was left as it is, restore a "
            f"backup{backup_hint(path)}"
        )


def _migrate_checked(
    connection: sqlite3.Connection, path: Path, partitions: int, migrations: Sequence[Migration]
) -> None:
    """Check version and partition count, then migrate.

    The partition count never changes: a conversation's messages must
    stay in one partition (docs/adr/0014).
    """
    empty = _is_empty(connection)
    version = 0 if empty else _meta(connection, path, "schema_version")
    newest = migrations[-1].version
    if version > newest:
        raise SetupError(
            f"{path} has schema version {version}, this program knows up to {newest}; use the "
            "newer program that made it"
        )
    made_with = partitions if empty else _meta(connection, path, "partitions")
    if made_with != partitions:
        raise SetupError(
            f"{path} was made with {made_with} partitions, ANGARIUM_PARTITIONS asks for "
            f"{partitions}; a message's partition never changes, so set it to {made_with} or "
            "choose another folder with ANGARIUM_DATA"
        )
    version = migrate(connection, version, migrations)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    # Written on every start: a disk that is full or a file that is
    # read-only is found here, not by a user.
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('schema_version', ?), ('partitions', ?),"
        " ('opened_at', strftime('%s', 'now') * 1000)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (version, partitions),
    )


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Return whether a file has no table yet."""
    return _number(connection, "SELECT count(*) FROM sqlite_master") == 0


def _meta(connection: sqlite3.Connection, path: Path, name: str) -> int:
    """Read a number that every database of ours has in `meta`."""
    found: tuple[int] | None = connection.execute(
        "SELECT value FROM meta WHERE name = ?", (name,)
    ).fetchone()
    if found is None:
        raise SetupError(
            f"{path} is damaged (its {name} is missing); it was left as it is, restore a backup"
        )
    return found[0]


def _number(connection: sqlite3.Connection, query: str) -> int:
    """Run a query that returns one number."""
    found: tuple[int] = connection.execute(query).fetchone()
    return found[0]
