"""Gives each port of each engine in the registry."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from angarium.ports.conversations import ConversationStore
from angarium.ports.message_log import DeadLetterLog, LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageRecorder
from angarium.ports.presence import PresenceStore
from angarium.ports.users import UserStore
from tests.contract.ports.engine import Engine, OpenEngine
from tests.contract.ports.reading import Reading
from tests.contract.ports.registry import ENGINES

OpenReading = Callable[[str], Reading]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    open_engine: OpenEngine = request.param
    with open_engine(request) as opened:
        yield opened


@pytest.fixture
def group() -> str:
    return f"router-{uuid4().hex[:8]}"


@pytest.fixture
def open_consumer(engine: Engine) -> Iterator[Callable[[str], LogConsumer]]:
    """Give a maker of consumers that are closed when the test ends."""
    with ExitStack() as stack:
        yield lambda group: stack.enter_context(closing(engine.open_consumer(group)))


@pytest.fixture
def read(open_consumer: Callable[[str], LogConsumer]) -> OpenReading:
    """Give a maker of readings, each with a consumer of its own."""
    return lambda group: Reading(open_consumer(group))


@pytest.fixture
def log(engine: Engine) -> MessageLog:
    return engine.log


@pytest.fixture
def dead_letters(engine: Engine) -> DeadLetterLog:
    return engine.dead_letters


@pytest.fixture
def users(engine: Engine) -> UserStore:
    return engine.users


@pytest.fixture
def conversations(engine: Engine) -> ConversationStore:
    return engine.conversations


@pytest.fixture
def recorder(engine: Engine) -> MessageRecorder:
    return engine.recorder


@pytest.fixture
def reader(engine: Engine) -> MessageReader:
    return engine.reader


@pytest.fixture
def presence(engine: Engine) -> PresenceStore:
    return engine.presence
