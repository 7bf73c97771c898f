"""SC-007: everything starts in under a minute; and data outlives the
containers.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.compose.stack import INSTANCES, Stack
from tests.compose.start import Start

pytestmark = pytest.mark.timeout(1200)


def test_all_is_healthy_within_a_minute_of_the_first_up(stack: Stack, cold_start: Start) -> None:
    assert (
        len(stack.compose.containers("api"))
        == len(stack.compose.containers("worker"))
        == INSTANCES
    )
    assert cold_start.kept


def test_an_audit_has_a_place_for_its_temporary_files(stack: Stack) -> None:
    write = "import tempfile; tempfile.TemporaryFile().write(bytes(1_000_000))"
    for service in ("api", "worker"):
        stack.compose.docker("exec", stack.one(service).id, "python", "-c", write)


def test_down_and_up_keep_every_message(
    stack: Stack, start_again: Callable[[], Start], tmp_path: Path
) -> None:
    ledger = str(tmp_path / "ledger.jsonl")
    written = stack.verify("--messages", "200", "--rate", "200", "--ledger", ledger)
    assert written.returncode == 0, written

    stack.down()
    start = start_again()

    found = stack.verify("--check", "--ledger", ledger)
    assert found.returncode == 0, found
    assert found.stdout.endswith("every promise was kept\n")
    assert start.kept
