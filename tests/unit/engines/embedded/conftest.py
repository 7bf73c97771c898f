from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.engines.embedded.database import Database
from tests.unit.engines.embedded.retention_harness import Sut

PARTITIONS = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def database(folder: Path) -> Iterator[Database]:
    # A disk that stalls for seconds must not fail a test.
    opened = Database.open(folder, PARTITIONS, write_timeout_s=60.0)
    yield opened
    opened.close()


@pytest.fixture
def sut(folder: Path) -> Iterator[Sut]:
    opened = Sut(folder)
    yield opened
    opened.database.close()
