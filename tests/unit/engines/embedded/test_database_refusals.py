import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from angarium.engines.embedded import database as database_module
from angarium.engines.embedded.database import Database
from tests.unit.engines.embedded.files import (
    PARTITIONS,
    filled,
    names,
    refusal,
    refused_in_a_process,
)


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
    (folder / "angarium.db").touch(0o600)
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
    [
        overwrite_header,
        cut_in_half,
        scribble_in_the_middle,
        lose_the_meta_rows,
        lose_the_meta_table,
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    path = filled(folder, users=200)
    damage(path)
    before = path.read_bytes()
    assert str(path) in refusal(folder)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    path = folder / "angarium.db"
    path.write_text("Dear diary, " * 1000)
    path.chmod(0o600)
    said = refusal(folder)
    assert str(path) in said
    assert "not a SQLite database" in said
    assert path.read_text() == "Dear diary, " * 1000


def test_the_database_of_another_program_is_refused_and_left_as_it_is(folder: Path) -> None:
    folder.mkdir()
    path = folder / "angarium.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    path.chmod(0o600)
    before = path.read_bytes()
    said = refusal(folder)
    assert str(path) in said
    assert "another program" in said
    assert path.read_bytes() == before
    assert [each.name for each in folder.iterdir()] == ["angarium.db"]


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A data folder that other users reach: `tmp_path` lies in one that
    every run of pytest closes to them.
    """
    with TemporaryDirectory() as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "data"


def test_a_folder_that_cannot_be_written_is_refused(public_folder: Path) -> None:
    folder = public_folder
    folder.mkdir()
    folder.chmod(0o555)
    said = refused_in_a_process(folder, "if os.getuid() == 0: os.setuid(65534)")
    assert str(folder / "angarium.db") in said
    assert "ermission" in said


def test_a_file_that_cannot_be_written_is_refused(public_folder: Path) -> None:
    path = filled(public_folder)
    path.chmod(0o444)
    public_folder.chmod(0o755)
    said = refused_in_a_process(public_folder, "if os.getuid() == 0: os.setuid(65534)")
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
    monkeypatch.setattr(database_module, "_OPEN_S", 0.0)
    monkeypatch.setattr(database_module, "BUSY_S", 0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        said = refusal(folder)
    assert str(path) in said
    assert "another process" in said


def test_a_file_that_another_process_lets_go_of_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filled(folder)
    monkeypatch.setattr(database_module, "BUSY_S", 0.0)
    monkeypatch.setattr(database_module, "_OPEN_S", 60.0)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(1) as pool:
            opening = pool.submit(Database.open, folder, PARTITIONS)
            assert not wait([opening], timeout=0.3).done
            holder.execute("ROLLBACK")
            with closing(opening.result(60)) as opened:
                assert opened.read(names) == ["user0"]


def test_an_old_sqlite_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))
    assert "3.37.0 or newer" in refusal(folder)
    assert not folder.exists()
