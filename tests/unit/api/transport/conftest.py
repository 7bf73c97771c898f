"""A server on an application that does as it is told, with limits and a
clock that a test chooses.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.transport.limits import ServerLimits
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.serving import Running, Start, serving


@pytest.fixture
def application() -> StubApplication:
    return StubApplication()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def start(application: StubApplication, clock: ManualClock) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(**limits: float) -> Running:
            chosen = ServerLimits(**limits)  # type: ignore[arg-type]  # the whole numbers are whole
            return stack.enter_context(serving(application, chosen, clock))

        yield begin
        # Whoever still waits at the gate would hold up the server's
        # end.
        application.gate.set()
