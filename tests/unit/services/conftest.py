from collections.abc import Iterator

import pytest

from tests.unit.services.log_lines import LogLines, captured


@pytest.fixture(autouse=True)
def lines() -> Iterator[LogLines]:
    with captured() as written:
        yield written
