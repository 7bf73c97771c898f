import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.engines.embedded import schema
from angarium.engines.embedded.database import Database
from tests.unit.engines.embedded.files import PARTITIONS, filled, insert_user, names, put_user


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "where"
    filled(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_closed_in_peace_nothing_is_left_beside_the_file(folder: Path) -> None:
    filled(folder)
    assert [path.name for path in folder.iterdir()] == ["angarium.db"]


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
    assert database.register(run).wait(None) == ["wal", full, 1, 1]


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
            [sys.executable, "-c", script, str(folder), f"racer{number}"],
            stdin=subprocess.PIPE,
            text=True,
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
    monkeypatch.setattr(schema, "CHECK_S", 0.0)
    monkeypatch.setattr(schema, "_STEPS_BETWEEN_CHECKS", 1)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert len(opened.read(names)) == 200
