import logging
from collections.abc import Iterator

import pytest

from angarium.logs.handler import BufferedHandler
from tests.fakes.clock import ManualClock


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what a test configures, as commands run in this process do:
    the next test must not miss lines of another level.
    """
    root, ours = logging.getLogger(), logging.getLogger("angarium")
    levels = root.level, ours.level
    handlers = list(root.handlers)
    yield
    for each in [each for each in root.handlers if isinstance(each, BufferedHandler)]:
        if each not in handlers:
            root.removeHandler(each)
            each.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
