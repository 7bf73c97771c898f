import stat
import threading
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.secrets.secret_file import SECRET_BYTES, load_or_create


def test_the_key_is_made_once_and_read_ever_after(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    first = load_or_create(path)
    assert len(bytes.fromhex(first)) == SECRET_BYTES
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


@pytest.mark.parametrize("content", ["", "short\n", "\n"])
def test_a_file_without_a_key_is_refused_by_name_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "jwt_secret"
    path.write_text(content)
    with pytest.raises(SetupError, match="jwt_secret holds no signing key"):
        load_or_create(path)
    assert path.read_text() == content


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    path.mkdir()
    with pytest.raises(SetupError, match=r"jwt_secret cannot be used: Is a directory"):
        load_or_create(path)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be used"):
        load_or_create(tmp_path / "nowhere" / "jwt_secret")
