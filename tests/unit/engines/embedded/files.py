"""Databases as a start finds them, and what it says of those that it
refuses.
"""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import SetupError
from angarium.engines.embedded.database import Database

PARTITIONS = 4


def insert_user(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("INSERT INTO users VALUES (?, ?, 'hash', 1)", (name, name))


def names(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT username FROM users ORDER BY username")]


def put_user(opened: Database, name: str) -> None:
    def run(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        insert_user(connection, name)
        return items

    opened.register(run).wait(None)


def filled(folder: Path, users: int = 1) -> Path:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        for number in range(users):
            put_user(opened, f"user{number}")
    return folder / "angarium.db"


def refusal(folder: Path, partitions: int = PARTITIONS) -> str:
    with pytest.raises(SetupError) as caught:
        Database.open(folder, partitions).close()
    return str(caught.value)


def refused_in_a_process(folder: Path, before: str = "") -> str:
    """Open in a process of its own, which cannot harm this one; gives
    the refusal.
    """
    script = f"""
import os, resource, sys
from pathlib import Path
from angarium.domain.errors import SetupError
from angarium.engines.embedded.database import Database
{before}
try:
    Database.open(Path(sys.argv[1]), {PARTITIONS}).close()
except SetupError as error:
    print(error)
    sys.exit(7)
"""
    run = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 7, run.stderr
    return run.stdout
