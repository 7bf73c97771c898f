import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.embedded.data_folder import DataFolderLock, applying_instance

HOLD = """
import sys
from angarium.engines.embedded.data_folder import DataFolderLock
with DataFolderLock(*sys.argv[1:]):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path, *applying: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *applying],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate(timeout=60)


def test_a_second_service_is_refused_and_told_who_holds_the_folder(folder: Path) -> None:
    process = holder(folder)
    try:
        with pytest.raises(SetupError) as caught, DataFolderLock(folder):
            pass
    finally:
        end(process)
    assert str(folder) in str(caught.value)
    assert f"process {process.pid}" in str(caught.value)


@pytest.mark.parametrize("again", [False, True])
def test_a_second_service_is_refused_although_the_lock_was_removed(
    folder: Path, again: bool
) -> None:
    process = holder(folder)
    try:
        (folder / "lock").unlink()
        if again:
            (folder / "lock").touch(0o600)
        with pytest.raises(SetupError, match="in use by another service"), DataFolderLock(folder):
            pass
    finally:
        end(process)
    with DataFolderLock(folder):
        pass


def test_on_a_file_system_that_locks_no_folders_the_file_is_enough(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "Bad file descriptor")
        whole(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with (
        DataFolderLock(folder),
        pytest.raises(SetupError, match=str(os.getpid())),
        DataFolderLock(folder),
    ):
        pass


def test_a_second_one_in_the_same_process_is_refused(folder: Path) -> None:
    with (
        DataFolderLock(folder),
        pytest.raises(SetupError, match=str(os.getpid())),
        DataFolderLock(folder),
    ):
        pass


def test_a_holder_that_was_killed_holds_nothing(folder: Path) -> None:
    end(holder(folder))
    with DataFolderLock(folder):
        assert (folder / "lock").read_text() == f"{os.getpid()}\n"


def test_it_can_be_taken_again_after_it_was_let_go(folder: Path) -> None:
    with DataFolderLock(folder):
        pass
    with DataFolderLock(folder):
        pass


def test_a_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    with DataFolderLock(folder):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_holder_without_a_number_is_refused_all_the_same(folder: Path) -> None:
    with DataFolderLock(folder):
        (folder / "lock").write_text("?")
        with pytest.raises(SetupError, match="in use by another service;"), DataFolderLock(folder):
            pass


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    folder.write_text("mine")
    with pytest.raises(SetupError, match=str(folder)), DataFolderLock(folder):
        pass


def test_a_lock_that_cannot_be_opened_is_refused(folder: Path) -> None:
    (folder / "lock").mkdir(parents=True)
    with pytest.raises(SetupError, match=str(folder / "lock")), DataFolderLock(folder):
        pass


@pytest.mark.parametrize("call", ["flock", "ftruncate"])
def test_a_disk_that_cannot_lock_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl if call == "flock" else os, call, fail)
    with pytest.raises(SetupError, match="No locks available"), DataFolderLock(folder):
        pass
    monkeypatch.undo()
    with DataFolderLock(folder):
        pass


def test_a_link_in_place_of_the_lock_is_refused_and_its_target_left_alone(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    precious = folder.with_name("precious")
    precious.write_text("precious")
    (folder / "lock").symlink_to(precious)
    with pytest.raises(SetupError, match=r"`rm .*lock`"), DataFolderLock(folder):
        pass
    assert precious.read_text() == "precious"


def test_a_pipe_in_place_of_the_lock_is_refused(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / "lock", 0o600)
    with pytest.raises(SetupError, match="lock is not a regular file"), DataFolderLock(folder):
        pass


def test_a_lock_that_others_may_take_is_refused_with_the_command_that_mends_it(
    folder: Path,
) -> None:
    with DataFolderLock(folder):
        pass
    (folder / "lock").chmod(0o666)
    with pytest.raises(SetupError, match=r"`chmod 600 .*lock`"), DataFolderLock(folder):
        pass


def test_the_instance_that_applies_the_log_is_known_while_it_holds_the_lock(folder: Path) -> None:
    assert applying_instance(folder) is None
    with DataFolderLock(folder, "worker-1"):
        assert applying_instance(folder) == "worker-1"
    assert applying_instance(folder) is None


def test_a_holder_that_applies_nothing_is_no_instance(folder: Path) -> None:
    with DataFolderLock(folder, "worker-1"):
        pass
    with DataFolderLock(folder):
        assert applying_instance(folder) is None


def test_an_instance_that_was_killed_applies_nothing(folder: Path) -> None:
    process = holder(folder, "worker-1")
    try:
        assert applying_instance(folder) == "worker-1"
    finally:
        end(process)
    assert applying_instance(folder) is None


def test_the_process_is_told_also_where_the_lock_names_its_instance(folder: Path) -> None:
    process = holder(folder, "worker-1")
    try:
        with (
            pytest.raises(SetupError, match=rf"\(process {process.pid}\)"),
            DataFolderLock(folder),
        ):
            pass
    finally:
        end(process)


def test_whoever_looks_at_a_lock_keeps_nobody_from_taking_it(folder: Path) -> None:
    with DataFolderLock(folder):
        pass
    looking = os.open(folder / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    timer = threading.Timer(0.01, os.close, (looking,))
    timer.start()
    with DataFolderLock(folder, "worker-1"):
        assert applying_instance(folder) == "worker-1"
    timer.join()


def test_a_pipe_in_place_of_the_lock_keeps_nobody_waiting_who_looks(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "lock")
    assert applying_instance(folder) is None
