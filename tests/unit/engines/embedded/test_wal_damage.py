"""What a start says of the write-ahead log that a crash has left."""

import os
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from angarium.engines.embedded.database import Database
from tests.unit.engines.embedded.files import (
    PARTITIONS,
    filled,
    insert_user,
    names,
    put_user,
    refusal,
)

USERS = 20
HEADER, FRAME = 32, 24 + 4096
SALTS = slice(16, 24)


@pytest.fixture
def crashed(folder: Path) -> Path:
    """The folder of a process that was killed after it had committed
    users one by one.
    """
    script = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path.cwd())!r})
from tests.unit.engines.embedded.files import *
opened = Database.open(Path(sys.argv[1]), PARTITIONS)
for number in range({USERS}):
    put_user(opened, f"user{{number:02}}")
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", script, str(folder)], check=False, timeout=60)
    assert frames(folder) > USERS
    return folder


def wal_of(folder: Path) -> Path:
    return folder / "angarium.db-wal"


def put_wal(folder: Path, content: bytes) -> None:
    wal_of(folder).touch(0o600)
    wal_of(folder).write_bytes(content)


def frames(folder: Path) -> int:
    return (wal_of(folder).stat().st_size - HEADER) // FRAME


def flip_a_bit(folder: Path, place: int) -> None:
    with wal_of(folder).open("r+b") as file:
        file.seek(place)
        (byte,) = file.read(1)
        file.seek(place)
        file.write(bytes([byte ^ 0x10]))


def in_frame(number: int, place: int = 1000) -> int:
    return HEADER + (number - 1) * FRAME + place


def damage_told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        each.getMessage()
        for each in caplog.records
        if getattr(each, "action", "") == "wal_damaged"
    ]


def users_left(folder: Path) -> int:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        return len(opened.read(names))


def test_after_a_crash_everything_is_read_and_nothing_accused(
    crashed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert users_left(crashed) == USERS
    assert damage_told(caplog) == []


@pytest.mark.parametrize("index_is_there", [True, False])
@pytest.mark.parametrize("place", [0, 8, 1000])
def test_a_flipped_bit_in_the_middle_is_told_with_what_lies_behind_it(
    crashed: Path, caplog: pytest.LogCaptureFixture, place: int, index_is_there: bool
) -> None:
    whole = wal_of(crashed).read_bytes()
    bad = frames(crashed) // 2
    flip_a_bit(crashed, in_frame(bad, place))
    damaged = wal_of(crashed).read_bytes()
    if not index_is_there:
        (crashed / "angarium.db-shm").unlink()
    left = users_left(crashed)
    assert 0 < left < USERS
    (told,) = damage_told(caplog)
    assert str(wal_of(crashed)) in told
    assert f"of {USERS - left} transactions" in told.replace(
        str(USERS - left - 1), str(USERS - left)
    )
    (copy,) = crashed.glob("angarium.db-wal.damaged-*")
    assert str(copy) in told
    assert copy.read_bytes() == damaged != whole
    assert copy.stat().st_mode & 0o777 == 0o600
    caplog.clear()
    assert users_left(crashed) == left
    assert damage_told(caplog) == []


@pytest.mark.parametrize("place", [0, 9, 17, 30])
def test_a_flipped_bit_in_the_header_is_told(
    crashed: Path, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    flip_a_bit(crashed, place)
    assert users_left(crashed) == 0
    assert len(damage_told(caplog)) == 1


def test_a_flipped_bit_in_the_last_commit_is_told_while_the_index_is_there(
    crashed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flip_a_bit(crashed, in_frame(frames(crashed)))
    assert users_left(crashed) == USERS - 1
    assert "1 transactions" in damage_told(caplog)[0]


def torn_between_header_and_page(folder: Path) -> None:
    with wal_of(folder).open("r+b") as file:
        file.truncate(in_frame(frames(folder), 24 + 100))


def torn_in_an_old_frame(folder: Path) -> None:
    """The last frame's header was written over an older frame, its page
    not yet.
    """
    with wal_of(folder).open("r+b") as file:
        file.seek(in_frame(frames(folder), 24))
        file.write(os.urandom(4096))


def older_frames_behind(folder: Path) -> None:
    """Frames of the time before the file was begun anew have other
    salts.
    """
    with wal_of(folder).open("r+b") as file:
        old = bytearray(file.read()[HEADER:])
        for start in range(8, len(old), FRAME):
            old[start : start + 8] = b"formerly"
        file.write(old)


def a_commit_that_was_never_finished(folder: Path) -> None:
    """A large transaction writes frames before it commits."""
    with wal_of(folder).open("r+b") as file:
        salts = file.read()[SALTS]
        file.seek(0, os.SEEK_END)
        for page in range(2, 12):
            file.write(struct.pack(">II8s8s", page, 0, salts, b"checksum") + bytes(4096))


@pytest.mark.parametrize(
    "ending",
    [
        torn_between_header_and_page,
        torn_in_an_old_frame,
        older_frames_behind,
        a_commit_that_was_never_finished,
    ],
)
def test_what_a_crash_has_torn_off_is_not_accused(
    crashed: Path, caplog: pytest.LogCaptureFixture, ending: Callable[[Path], None]
) -> None:
    # The index is that of a machine that lost its power: it is gone.
    (crashed / "angarium.db-shm").unlink()
    ending(crashed)
    assert users_left(crashed) >= USERS - 1
    assert damage_told(caplog) == []


def test_beside_a_service_that_writes_nothing_is_accused(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        for number in range(5):
            put_user(opened, f"before{number}")
            assert users_left(folder) == number + 1
    assert damage_told(caplog) == []


def test_a_disk_without_room_for_the_copy_is_told(
    crashed: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fail)
    flip_a_bit(crashed, in_frame(5))
    users_left(crashed)
    assert "no copy of it could be kept: No space left on device" in damage_told(caplog)[0]


def late_writes(folder: Path, users: int) -> bytes:
    """Write, carry all into the database, write a little more; give the
    WAL that holds only that.
    """
    with closing(Database.open(folder, PARTITIONS)) as opened:
        opened.register(put_many).wait(users)
        with closing(sqlite3.connect(folder / "angarium.db")) as other:
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        for number in range(3):
            put_user(opened, f"last{number}")
        return wal_of(folder).read_bytes()


def put_many(connection: sqlite3.Connection, counts: Sequence[int]) -> Sequence[int]:
    for count in counts:
        for number in range(count):
            insert_user(connection, f"later{number}")
    return counts


@pytest.mark.parametrize("users", [500, 5000])
def test_an_old_database_beside_a_newer_wal_is_refused_with_both_names_and_left_as_it_is(
    folder: Path, users: int
) -> None:
    path = filled(folder, users=1)
    old = path.read_bytes()
    newer = late_writes(folder, users)
    path.write_bytes(old)
    put_wal(folder, newer)
    for _ in range(2):
        said = refusal(folder)
        assert str(wal_of(folder)) in said
        assert str(path) + "-shm" in said
        assert path.read_bytes() == old
        assert wal_of(folder).read_bytes() == newer
    wal_of(folder).unlink()
    (folder / "angarium.db-shm").unlink(missing_ok=True)
    assert users_left(folder) == 1


def test_a_mixed_up_database_that_is_damaged_is_refused_with_both_names(folder: Path) -> None:
    path = filled(folder, users=1)
    old = path.read_bytes()
    with closing(Database.open(folder, PARTITIONS)) as opened:
        put_user(opened, "later")
        newer = wal_of(folder).read_bytes()
    put_wal(folder, newer)
    path.write_bytes(old[:4096] + bytes(len(old) - 4096))
    put_wal(folder, newer)
    said = refusal(folder)
    assert "damaged" in said
    assert str(wal_of(folder)) in said
    assert str(path) + "-shm" in said


def test_a_wal_whose_database_is_gone_is_refused_and_left_as_it_is(crashed: Path) -> None:
    (crashed / "angarium.db").rename(crashed / "moved")
    before = wal_of(crashed).read_bytes()
    assert str(wal_of(crashed)) in refusal(crashed)
    assert wal_of(crashed).read_bytes() == before
    (crashed / "moved").rename(crashed / "angarium.db")
    assert users_left(crashed) == USERS
