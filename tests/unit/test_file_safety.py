"""Files that are this user's alone, or are not opened at all."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from angarium.file_safety import UnsafeFile, open_private, require_private, sync_folder

READ, WRITE = os.O_RDONLY, os.O_RDWR | os.O_CREAT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet; its name is none that a shell takes
    as it is.
    """
    return tmp_path / "a file"


def refusal(path: Path, flags: int, disposable: bool = False) -> str:
    """What is said of a file that is not opened."""
    with pytest.raises(UnsafeFile) as refused:
        open_private(path, flags, disposable)
    return str(refused.value)


def mend(text: str) -> None:
    """Do what a refusal says."""
    subprocess.run(["/bin/sh", "-c", text.split("`")[1]], check=True)


def test_a_file_that_is_made_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        os.close(open_private(path, WRITE))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    os.close(open_private(path, READ))


def test_one_that_is_not_there_is_the_systems_error(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_private(path, READ)


@pytest.mark.parametrize("flags", [READ, WRITE])
@pytest.mark.parametrize("mode", [0o601, 0o610, 0o640, 0o604, 0o666])
def test_a_loose_mode_is_refused_and_mended_by_the_command(
    path: Path, flags: int, mode: int
) -> None:
    path.touch()
    path.chmod(mode)
    mend(refusal(path, flags))
    os.close(open_private(path, flags))


@pytest.mark.parametrize("flags", [READ, WRITE])
def test_a_link_is_refused_its_target_left_alone_and_the_command_puts_it_in_place(
    path: Path, flags: int
) -> None:
    target = path.with_name("target")
    target.write_text("precious")
    target.chmod(0o600)
    path.symlink_to(target)
    mend(refusal(path, flags))
    assert path.read_text() == "precious"
    os.close(open_private(path, flags))


@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_in_place_of_what_nobody_misses_is_removed_by_the_command(
    path: Path, dangling: bool
) -> None:
    target = path.with_name("target")
    if not dangling:
        target.write_text("precious")
    path.symlink_to(target)
    mend(refusal(path, WRITE, disposable=True))
    assert not path.is_symlink()
    assert dangling or target.read_text() == "precious"


def test_a_link_that_leads_nowhere_makes_nothing(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))
    mend(refusal(path, WRITE))
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("flags", [READ, WRITE, os.O_WRONLY])
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_plain_file_is_refused_at_once_and_moved_by_the_command(
    path: Path, flags: int, kind: str
) -> None:
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    else:
        path.mkdir(0o700)
    mend(refusal(path, flags))
    assert not path.exists()


def test_somebody_elses_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.touch(0o600)
    owner = path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert f"belongs to user {owner}, but this is user {owner + 1}" in refusal(path, READ)
    with pytest.raises(UnsafeFile, match=f"`chown {owner + 1} "):
        require_private([path])


def test_files_that_others_will_open_are_looked_at_and_all_told_at_once(path: Path) -> None:
    other = path.with_name("other")
    require_private([path, other])
    path.touch(0o600)
    require_private([path, other])
    other.touch()
    for each in (path, other):
        each.chmod(0o644)
    with pytest.raises(UnsafeFile) as refused:
        require_private([path, other])
    mend(str(refused.value))
    require_private([path, other])
    other.unlink()
    other.symlink_to(path)
    with pytest.raises(UnsafeFile, match="is a link"):
        require_private([path, other])


def test_a_descriptor_is_closed_when_the_file_is_refused(path: Path) -> None:
    path.touch()
    path.chmod(0o644)
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(10):
        refusal(path, READ)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_folders_names_are_brought_to_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    sync_folder(path.parent)
    assert synced == [path.parent.stat().st_ino]
