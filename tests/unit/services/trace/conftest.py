from collections.abc import Iterator

import pytest

from tests.unit.router.events import message
from tests.unit.services.log_lines import captured
from tests.unit.services.trace.traced_service import HELLO, TracedService


@pytest.fixture
def service() -> Iterator[TracedService]:
    with captured():
        yield TracedService()


@pytest.fixture
def stored(service: TracedService) -> TracedService:
    """A service with one stored message, the second of its log."""
    service.append(message("before"))
    service.append(message("hello", message_id=HELLO))
    service.work()
    return service
