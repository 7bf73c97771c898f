import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.engines.embedded.schema import Migration, known_migrations, migrate
from angarium.ports.message_log import BEGINNING, Position
from tests.fakes.clock import ManualClock

PARTITIONS = 4
SECOND = Migration(
    2, "ALTER TABLE users ADD COLUMN size INTEGER;\nUPDATE users\n   SET size = 43;\n"
)
THIRD = Migration(3, "CREATE TABLE shoes (size INTEGER);")


def put_user(opened: Database) -> None:
    def run(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        connection.execute(
            "INSERT INTO users (user_id, username, password_hash, created_at) VALUES ('1', 'al', "
            "'hash', 1)"
        )
        return items

    opened.register(run).wait(None)


def version_1(folder: Path) -> Path:
    with closing(Database.open(folder, PARTITIONS, known_migrations()[:1])) as opened:
        put_user(opened)
    return folder / "angarium.db"


def open_with(folder: Path, *later: Migration) -> Database:
    return Database.open(folder, PARTITIONS, [*known_migrations()[:1], *later])


def schema(connection: sqlite3.Connection) -> Sequence[object]:
    return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()


def made_by_version_1(folder: Path) -> Path:
    """Restore what the first program left after three messages."""
    folder.mkdir(mode=0o700)
    path = folder / "angarium.db"
    path.touch(mode=0o600)
    script = Path(__file__).with_name("version_1.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    return path


def contents(connection: sqlite3.Connection) -> dict[str, Sequence[object]]:
    """Read every table but `meta`, which each start writes."""
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if name not in {"meta", "log_starts", "imports"}
    ]
    return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables}


def test_a_file_of_version_1_keeps_all_that_it_holds(folder: Path) -> None:
    with closing(sqlite3.connect(made_by_version_1(folder))) as connection:
        before = contents(connection)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert opened.read(contents) == before
        assert opened.read(read_log_starts) == {}
        log = EmbeddedLog(opened, ManualClock())
        assert log.ends() == (1, 0, 2, 0)
        gained = EmbeddedConsumer(opened, log, "router").poll(0).gained
        assert {each.partition: position for each, position in gained.items()} == {
            0: Position(1, 1795906642935),
            1: BEGINNING,
            2: Position(2, 1795906642571),
            3: BEGINNING,
        }
    assert len(before["messages"]) == 3


def test_a_file_of_version_1_gets_the_schema_of_a_new_one(folder: Path, tmp_path: Path) -> None:
    made_by_version_1(folder)
    with (
        closing(Database.open(folder, PARTITIONS)) as old,
        closing(Database.open(tmp_path / "new", PARTITIONS)) as new,
    ):
        assert old.read(schema) == new.read(schema)


def test_the_program_of_version_1_refuses_a_file_of_today(folder: Path) -> None:
    Database.open(folder, PARTITIONS).close()
    with pytest.raises(SetupError, match="knows up to 1; use the newer program"):
        Database.open(folder, PARTITIONS, known_migrations()[:1])


def test_an_older_database_is_brought_forward_with_what_it_holds(folder: Path) -> None:
    version_1(folder)
    with closing(open_with(folder, SECOND, THIRD)) as opened:
        found = opened.read(lambda c: c.execute("SELECT username, size FROM users").fetchall())
        version = opened.read(
            lambda c: c.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
        )
    assert found == [("al", 43)]
    assert version == (3,)


def test_each_step_is_taken_once(folder: Path) -> None:
    version_1(folder)
    open_with(folder, SECOND).close()
    open_with(folder, SECOND).close()
    open_with(folder, SECOND, THIRD).close()


def test_a_new_database_equals_one_that_was_brought_forward(folder: Path, tmp_path: Path) -> None:
    version_1(folder)
    with (
        closing(open_with(folder, SECOND, THIRD)) as old,
        closing(open_with(tmp_path, SECOND, THIRD)) as new,
    ):
        assert old.read(schema) == new.read(schema)


def test_a_newer_database_is_refused_and_left_as_it_is(folder: Path) -> None:
    path = version_1(folder)
    open_with(folder, SECOND).close()
    before = path.read_bytes()
    with pytest.raises(SetupError) as caught:
        open_with(folder)
    assert str(path) in str(caught.value)
    assert "schema version 2" in str(caught.value)
    assert path.read_bytes() == before


def test_a_step_that_fails_changes_nothing(folder: Path) -> None:
    path = version_1(folder)
    with pytest.raises(SetupError, match="cannot be used"):
        open_with(
            folder, SECOND, Migration(3, "CREATE TABLE shoes (size INTEGER);\nDROP TABLE nowhere;")
        )
    with closing(Database.open(folder, PARTITIONS, known_migrations()[:1])) as opened:
        tables = opened.read(lambda c: c.execute("SELECT name FROM sqlite_master").fetchall())
    assert ("shoes",) not in tables
    assert path.exists()


def test_versions_are_numbered_without_a_gap() -> None:
    versions = [migration.version for migration in known_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_a_script_that_ends_too_early_is_refused() -> None:
    with (
        closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(ValueError, match="CREATE TABLE a"),
    ):
        migrate(connection, 0, [Migration(1, "CREATE TABLE a (b TEXT")])
