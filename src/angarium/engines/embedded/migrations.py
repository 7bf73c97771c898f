"""The versions of the database's schema, and the way from each to the next.

To change the schema, add a file `migration_<n>.sql` and its entry here; what was released is never edited, so
that every database in the world is one of these versions.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Migration:
    """One step.

    Attributes:
        version: The version that it leads to, from the one before.
        script: SQL statements.
    """

    version: int
    script: str


def known_migrations() -> Sequence[Migration]:
    """Give every step that this program knows.

    Returns:
        In order, from an empty file to the newest version.
    """
    return (Migration(1, Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")),)


def migrate(connection: sqlite3.Connection, version: int, migrations: Sequence[Migration]) -> int:
    """Bring a database forward.

    Args:
        connection: In a transaction, so that a step that fails undoes them all.
        version: The database's present version, 0 for an empty one.
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
    # sqlite3's executescript commits first, which would tear the transaction apart.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"the script ends in the middle of a statement: {statement.strip()[:60]!r}")
