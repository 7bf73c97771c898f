import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from angarium.engines.embedded.connections import begin, connect


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a file with ? and % and #.db"
    path.touch()
    return path


def test_any_file_name_will_do(path: Path) -> None:
    with closing(connect(path, 1.0)) as connection:
        connection.execute("CREATE TABLE t (a)")
    assert path.stat().st_size > 0
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_is_never_made_on_the_way(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "missing.db", 1.0)
    assert not list(tmp_path.iterdir())


def test_whoever_cannot_be_helped_by_waiting_does_not_wait(path: Path) -> None:
    with closing(connect(path, 0)) as connection:
        begin(connection, busy_s=3600)
        with pytest.raises(sqlite3.OperationalError, match="within a transaction"):
            begin(connection, busy_s=3600)


def test_a_lock_that_does_not_come_free_is_waited_for_no_longer_than_told(path: Path) -> None:
    with closing(connect(path, 0)) as holder, closing(connect(path, 0)) as waiting:
        begin(holder, busy_s=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            begin(waiting, busy_s=0.01)
        holder.execute("COMMIT")
        begin(waiting, busy_s=0)
