"""A server on an application that does as it is told, with limits and a
clock that a test chooses.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.transport.connection import Connection
from angarium.api.transport.connection_state import TRANSITIONS, ConnectionState
from angarium.api.transport.limits import ServerLimits
from tests.fakes.application import StubApplication
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient
from tests.fakes.serving import Running, Start, serving


@pytest.fixture
def application() -> StubApplication:
    return StubApplication()


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


class RecordedState:
    """A connection's state that remembers every step."""

    def __init__(self) -> None:
        self.steps: set[tuple[ConnectionState, ConnectionState]] = set()

    def __get__(self, connection: Connection, owner: object = None) -> ConnectionState:
        state: ConnectionState = connection.__dict__["_state"]
        return state

    def __set__(self, connection: Connection, state: ConnectionState) -> None:
        before = connection.__dict__.get("_state")
        if before is not None:
            self.steps.add((before, state))
        connection.__dict__["_state"] = state


@pytest.fixture(autouse=True)
def steps(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[set[tuple[ConnectionState, ConnectionState]]]:
    """Watch all connections of a test: each step is in the table."""
    recorded = RecordedState()
    monkeypatch.setattr(Connection, "_state", recorded, raising=False)
    yield recorded.steps
    unknown = {step for step in recorded.steps if step[1] not in TRANSITIONS[step[0]]}
    assert unknown == set(), "connection_state.py has a table of all steps"


@pytest.fixture
def client(running: Running) -> Iterator[RawClient]:
    with RawClient(running.url) as connected:
        yield connected


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
