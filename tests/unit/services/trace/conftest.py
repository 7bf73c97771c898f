from collections.abc import Iterator

import pytest

from tests.unit.services.log_lines import captured
from tests.unit.services.trace.traced_service import TracedService


@pytest.fixture
def service() -> Iterator[TracedService]:
    with captured():
        yield TracedService()
