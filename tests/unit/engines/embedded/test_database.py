import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError, StoreUnavailable
from angarium.engines.embedded import database as database_module
from angarium.engines.embedded import schema
from angarium.engines.embedded.database import Database

PARTITIONS = 4


def insert_user(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT INTO users VALUES (?, ?, 'hash', 1)", (name, name))


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT username FROM users ORDER BY username")]


def put_user(opened: Database, name: str) -> None:
    def run(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        insert_user(connection, name)
        return items

    opened.kind(run).wait(None)


def filled(folder: Path, users: int = 1) -> Path:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        for number in range(users):
            put_user(opened, f"user{number}")
    return folder / "angarium.db"


def refusal(folder: Path, partitions: int = PARTITIONS) -> str:
    with pytest.raises(SetupError) as caught:
        Database.open(folder, partitions).close()
    return str(caught.value)


def refused_in_a_process(folder: Path, before: str = "") -> str:
    """Open in a process of its own, which cannot harm this one; gives the refusal."""
    script = f"""
import os, resource, sys
from pathlib import Path
from angarium.domain.errors import SetupError
from angarium.engines.embedded.database import Database
{before}
try:
    Database.open(Path(sys.argv[1]), {PARTITIONS}).close()
except SetupError as error:
    print(error)
    sys.exit(7)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 7, run.stderr
    return run.stdout


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    filled(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_file_is_for_its_owner_alone_even_in_an_open_folder(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        put_user(opened, "alice")
        modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert modes == {"angarium.db": 0o600, "angarium.db-wal": 0o600, "angarium.db-shm": 0o600}


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    filled(folder, users=2)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert opened.read(names) == ["user0", "user1"]


def test_commits_are_fsynced(database: Database) -> None:
    def settings(connection: sqlite3.Connection) -> list[object]:
        return [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "fullfsync", "checkpoint_fullfsync")
        ]

    def run(connection: sqlite3.Connection, items: Sequence[None]) -> list[list[object]]:
        return [settings(connection)]

    full = 2
    assert database.kind(run).wait(None) == ["wal", full, 1, 1]


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        database.read(lambda connection: insert_user(connection, "alice"))
    assert database.read(names) == []


def test_another_process_can_write_beside_it(database: Database, folder: Path) -> None:
    put_user(database, "alice")
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from tests.unit.engines.embedded.test_database import *
filled(Path(sys.argv[1]))
"""
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=60)
    assert database.read(names) == ["alice", "user0"]
    put_user(database, "bob")
    assert database.read(names) == ["alice", "bob", "user0"]


def test_processes_that_race_to_make_it_all_get_the_same_one(folder: Path) -> None:
    script = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from tests.unit.engines.embedded.test_database import *
sys.stdin.readline()
with closing(Database.open(Path(sys.argv[1]), PARTITIONS)) as opened:
    put_user(opened, sys.argv[2])
"""
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder), f"racer{number}"], stdin=subprocess.PIPE, text=True
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.close()
    assert [racer.wait(60) for racer in racers] == [0, 0, 0, 0]
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert opened.read(names) == ["racer0", "racer1", "racer2", "racer3"]


def test_another_partition_count_is_refused(folder: Path) -> None:
    path = filled(folder)
    said = refusal(folder, partitions=12)
    assert str(path) in said
    assert "4 partitions" in said
    assert "ANGARIUM_PARTITIONS asks for 12" in said


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    folder.write_text("mine")
    assert str(folder) in refusal(folder)
    assert folder.read_text() == "mine"


def test_a_folder_below_a_file_is_refused(folder: Path) -> None:
    folder.write_text("mine")
    assert str(folder / "deeper") in refusal(folder / "deeper")


def test_a_folder_in_the_place_of_the_file_is_refused(folder: Path) -> None:
    (folder / "angarium.db").mkdir(parents=True)
    assert str(folder / "angarium.db") in refusal(folder)


def test_an_empty_file_becomes_a_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "angarium.db").touch()
    filled(folder)


def overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"not a database, and never was one")


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 8192 * 4096)


def scribble_in_the_middle(path: Path) -> None:
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in range(pages // 2, pages):
            file.seek(page * 4096)
            file.write(b"\xff" * 64)


def lose_the_meta_rows(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM meta")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def lose_the_meta_table(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE meta")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize(
    "damage",
    [overwrite_header, cut_in_half, scribble_in_the_middle, lose_the_meta_rows, lose_the_meta_table],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(folder: Path, damage: Callable[[Path], None]) -> None:
    path = filled(folder, users=200)
    damage(path)
    before = path.read_bytes()
    assert str(path) in refusal(folder)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    path = folder / "angarium.db"
    path.write_text("Dear diary, " * 1000)
    said = refusal(folder)
    assert str(path) in said
    assert "no SQLite database" in said
    assert path.read_text() == "Dear diary, " * 1000


def test_the_database_of_another_program_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    path = folder / "angarium.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    said = refusal(folder)
    assert str(path) in said
    assert "another program" in said
    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == ["angarium.db"]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o555)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    said = refused_in_a_process(folder, "if os.getuid() == 0: os.setuid(65534)")
    assert str(folder / "angarium.db") in said
    assert "ermission" in said


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path, folder: Path) -> None:
    path = filled(folder)
    path.chmod(0o444)
    folder.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.getuid():
            parent.chmod(parent.stat().st_mode | 0o055)
    tmp_path.chmod(0o755)
    said = refused_in_a_process(folder, "if os.getuid() == 0: os.setuid(65534)")
    assert str(path) in said


def test_a_disk_without_room_for_a_new_database_is_refused(folder: Path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))"
    assert str(folder / "angarium.db") in refused_in_a_process(folder, limit)


def fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or shutil.which("mount") is None,
    reason="needs a root user on Linux who can mount a tiny disk",
)
def test_a_full_disk_is_refused_by_name(folder: Path) -> None:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this root user cannot mount")
    try:
        path = filled(folder)
        fill_up(folder / "ballast")
        said = refusal(folder)
        assert str(path) in said
        assert "full" in said
        (folder / "ballast").unlink()
        with closing(Database.open(folder, PARTITIONS)) as opened:
            assert opened.read(names) == ["user0"]
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_file_that_another_process_keeps_locked_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(folder)
    monkeypatch.setattr(database_module, "_OPEN_SECONDS", 0.0)
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        said = refusal(folder)
    assert str(path) in said
    assert "another process" in said


def test_an_old_sqlite_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    assert "3.37.0 or newer" in refusal(folder)
    assert not folder.exists()


def test_what_is_asked_after_the_end_is_unavailable(folder: Path) -> None:
    opened = Database.open(folder, PARTITIONS)
    opened.close()
    opened.close()
    with pytest.raises(StoreUnavailable):
        opened.read(names)
    with pytest.raises(StoreUnavailable):
        put_user(opened, "alice")


def test_a_file_too_large_to_be_checked_in_time_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(folder, users=200)
    monkeypatch.setattr(schema, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(schema, "_STEPS_BETWEEN_CHECKS", 1)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert len(opened.read(names)) == 200
