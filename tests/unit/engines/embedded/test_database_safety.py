"""A database that others may read or write, or may have put there, is
not opened.
"""

import os
import subprocess
from pathlib import Path

import pytest

from angarium.engines.embedded.database import Database
from tests.unit.engines.embedded.files import PARTITIONS, filled, refusal


def mend(said: str) -> None:
    """Do what a refusal says."""
    subprocess.run(["/bin/sh", "-c", said.split("`")[1]], check=True)


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o660])
def test_a_loose_database_is_refused_with_the_command_that_mends_it(
    folder: Path, mode: int
) -> None:
    path = filled(folder)
    path.chmod(mode)
    said = refusal(folder)
    assert f"{path} (mode {mode:04o})" in said
    mend(said)
    Database.open(folder, PARTITIONS).close()


@pytest.mark.parametrize("name", ["angarium.db-wal", "angarium.db-shm", "angarium.db-journal"])
def test_what_lies_beside_it_is_as_secret(folder: Path, name: str) -> None:
    filled(folder)
    with (folder / name).open("ab"):
        (folder / name).chmod(0o644)
    assert f"`chmod 600 {folder / name}`" in refusal(folder)


def test_a_link_to_a_database_is_refused_until_the_file_is_in_its_place(folder: Path) -> None:
    path = filled(folder)
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    said = refusal(folder)
    assert "is a link" in said
    mend(said)
    Database.open(folder, PARTITIONS).close()


def test_a_pipe_in_its_place_is_refused_and_not_waited_for(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "angarium.db", 0o600)
    assert "angarium.db is not a regular file" in refusal(folder)
