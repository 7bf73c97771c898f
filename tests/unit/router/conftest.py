from collections.abc import Iterator

import pytest

from tests.fakes.clock import ManualClock
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.log_lines import LogLines, captured


@pytest.fixture(autouse=True)
def lines() -> Iterator[LogLines]:
    with captured() as written:
        yield written


@pytest.fixture
def harness(clock: ManualClock) -> WorkerHarness:
    return WorkerHarness(clock)
