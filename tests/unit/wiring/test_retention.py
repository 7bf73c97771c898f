import threading
from pathlib import Path

import pytest

from angarium.config import Settings
from angarium.wiring import embedded_engine
from tests.fakes.clock import ManualClock


def names_while_open(folder: Path, retention: str) -> set[str]:
    """Name the threads of an open engine."""
    settings = Settings.from_env({"ANGARIUM_DATA": str(folder), "ANGARIUM_RETENTION": retention})
    with embedded_engine(settings, ManualClock(), "here"):
        return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize(("retention", "removes"), [("1", True), ("0", False)])
def test_records_are_removed_while_the_engine_is_open_unless_they_are_kept_for_ever(
    tmp_path: Path, retention: str, removes: bool
) -> None:
    assert ("log-retention" in names_while_open(tmp_path, retention)) is removes
    assert "log-retention" not in {thread.name for thread in threading.enumerate()}
