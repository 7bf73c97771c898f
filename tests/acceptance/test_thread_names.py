"""`top -H` shows which thread of a service does what."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.service import Service, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has `/proc`")

TABLE = Path(__file__).parents[2] / "docs" / "architecture.md"


def names_in_the_table() -> Iterator[str]:
    """The names that the table of `angarium serve` promises."""
    table = TABLE.read_text().split("### `angarium serve`")[1].split("###")[0]
    for row in table.splitlines():
        if row.startswith("| `"):
            yield from re.findall(r"`([^`]+)`", row.split("|")[1])


def names_of_threads(pid: int) -> list[str]:
    """The names that the kernel has of all threads but the main one."""
    return [
        (task / "comm").read_text().strip()
        for task in Path(f"/proc/{pid}/task").iterdir()
        if task.name != str(pid)
    ]


def test_every_thread_of_a_running_service_has_a_name_that_the_documentation_explains(
    service: Service,
) -> None:
    permanent = {"worker", "database-writer", "database-watch", "logs", "hashing-0", "health-1"}
    permanent |= {f"store-{number}" for number in range(16)}
    pid = service.process.pid
    until(lambda: permanent <= set(names_of_threads(pid)), f"threads {sorted(permanent)}")
    explained = {re.sub(r"\d+$", "N", name) for name in names_in_the_table()}
    found = {re.sub(r"\d+$", "N", name) for name in names_of_threads(pid)}
    assert found <= explained
