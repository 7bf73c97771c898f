import os
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.domain.signing_secret import MIN_BYTES
from angarium.engines.secrets.secret_file import load_or_create


def test_the_key_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    first = load_or_create(path)
    assert len(bytes.fromhex(first)) == MIN_BYTES
    assert load_or_create(path) == first
    assert load_or_create(tmp_path / "another") != first
    assert sorted(file.name for file in tmp_path.iterdir()) == ["another", "jwt_secret"]


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_racing_processes_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[str] = []
    start = threading.Barrier(8)

    def race() -> None:
        start.wait(10)
        keys.append(load_or_create(tmp_path / "jwt_secret"))

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "has 0 bytes"),
        (b"short\n", "has 5 bytes"),
        (b"\n", "has 0 bytes"),
        (b"\0" * 64, "consists of one repeated byte"),
        (b"k" * 64 + b"\n", "consists of one repeated byte"),
        (b"\xff" * 64, "is not UTF-8"),
        (b"0123456789abcdef" * 2 + b"\0" * 32, "has control characters"),
        (b"0123456789abcdef" * 5_000, "has more than 65,536 bytes"),
    ],
)
def test_a_file_without_a_key_is_refused_by_name_and_left_alone(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "jwt_secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SetupError, match="jwt_secret holds no signing key") as refused:
        load_or_create(path)
    assert f"its content {fault};" in str(refused.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("around", ["{}", "{}\n", "\ufeff{}\r\n"])
def test_a_key_of_ones_own_is_taken_without_what_an_editor_put_around_it(
    tmp_path: Path, around: str
) -> None:
    key = "a key of my own, with an ä in it and 32 bytes"
    path = tmp_path / "jwt_secret"
    path.write_text(around.format(key), newline="")
    path.chmod(0o600)
    assert load_or_create(path) == key


@pytest.mark.parametrize("mode", [0o666, 0o640, 0o620, 0o604])
def test_a_key_that_others_may_read_or_write_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "jwt_secret"
    first = load_or_create(path)
    path.chmod(mode)
    with pytest.raises(SetupError) as refused:
        load_or_create(path)
    assert f"jwt_secret (mode {mode:04o}); `chmod 600 {path}`" in str(refused.value)
    path.chmod(0o600)
    assert load_or_create(path) == first


def test_a_link_to_a_key_is_refused(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "elsewhere")
    path = tmp_path / "jwt_secret"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SetupError, match="is a link") as refused:
        load_or_create(path)
    subprocess.run(["/bin/sh", "-c", str(refused.value).split("`")[1]], check=True)
    assert load_or_create(path) == first


def test_a_folder_in_its_place_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    path.mkdir()
    with pytest.raises(SetupError, match="jwt_secret is not a regular file"):
        load_or_create(path)


def test_a_pipe_in_its_place_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    os.mkfifo(path, 0o600)
    with pytest.raises(SetupError, match="jwt_secret is not a regular file"):
        load_or_create(path)


def test_a_new_key_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "jwt_secret"
    synced: list[tuple[int, bool]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        synced.append((os.fstat(descriptor).st_ino, path.exists()))

    monkeypatch.setattr(os, "fsync", noted)
    load_or_create(path)
    assert synced == [(path.stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be used"):
        load_or_create(tmp_path / "nowhere" / "jwt_secret")
