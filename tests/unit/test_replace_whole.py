"""A file appears whole or not at all, and only in place of its like."""

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.file_safety import UnsafeFile, replace_whole

BEGINNING = b"export"


def write(path: Path, data: bytes = b"export of today") -> None:
    """Write a whole file."""
    with replace_whole(path, BEGINNING) as file:
        file.write(data)


def fail_to_write(path: Path) -> None:
    """Write a part of a file."""
    with replace_whole(path, BEGINNING) as file:
        file.write(b"export of")
        raise OSError("the disk is full")


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(each.name for each in folder.iterdir())


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"export of today"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert names(tmp_path) == ["file"]


def test_nothing_appears_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replace_whole(path, BEGINNING) as file:
        file.write(b"export")
        file.flush()
        assert not path.exists()


@pytest.mark.parametrize("earlier", [b"export of yesterday", b""])
def test_an_earlier_file_is_replaced_and_gets_a_private_mode(
    tmp_path: Path, earlier: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(earlier)
    path.chmod(0o644)
    write(path)
    assert path.read_bytes() == b"export of today"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_earlier_file_stays_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"export of yesterday")
    with pytest.raises(OSError, match="full"):
        fail_to_write(path)
    assert path.read_bytes() == b"export of yesterday"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("other", [b"secret", b"exp", b"\x00"])
def test_what_is_something_else_is_never_replaced(tmp_path: Path, other: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(other)
    with pytest.raises(UnsafeFile, match="exists and is something else"):
        write(path)
    assert path.read_bytes() == other
    assert names(tmp_path) == ["file"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"export of yesterday")
    link.symlink_to(target)
    with pytest.raises(UnsafeFile, match="is a link; name a regular file"):
        write(link)
    assert target.read_bytes() == b"export of yesterday"


def test_a_folder_or_a_pipe_is_refused_without_a_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(UnsafeFile, match="is not a regular file"):
            write(tmp_path / name)


def test_a_missing_folder_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "file")


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, signal\n"
        "from angarium.file_safety import replace_whole\n"
        f"with replace_whole(pathlib.Path({str(tmp_path / 'file')!r}), b'export') as file:\n"
        "    file.write(b'export')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert len(names(tmp_path)) == 1
    assert names(tmp_path)[0].endswith(".part")
    write(tmp_path / "file")
    assert names(tmp_path) == ["file"]


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with replace_whole(tmp_path / "one", BEGINNING) as one:
        write(tmp_path / "other")
        one.write(b"export one")
    assert names(tmp_path) == ["one", "other"]


def test_a_part_that_another_process_took_for_a_leftover_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, taken = fcntl.flock, list[Path]()

    def take_once(descriptor: int, operation: int) -> None:
        """Remove the first part before its lock is held."""
        if not taken:
            taken.extend(tmp_path.glob(".angarium-*.part"))
            taken[0].unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", take_once)
    write(tmp_path / "file")
    assert names(tmp_path) == ["file"]
