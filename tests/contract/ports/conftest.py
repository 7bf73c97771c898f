"""Gives each port of each engine in the registry."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pytest

from angarium.domain.message import Message
from angarium.ports.bulk_load import BulkLoader
from angarium.ports.conversations import ConversationStore
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.message_log import DeadLetterLog, LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageWriter
from angarium.ports.presence import PresenceStore
from angarium.ports.store_inspection import StoreInspector
from angarium.ports.users import UserStore
from tests.contract.ports.chat import Chat, record
from tests.contract.ports.damage import Damage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import keys_by_partition
from tests.contract.ports.registry import ENGINES

OpenReading = Callable[[str], Reading]

CALL_S = 30.0


@pytest.fixture(autouse=True)
def patient_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call to Cassandra take longer than 2 s: a machine that
    starts servers may stand still for as long, and these tests ask what
    the answer is, not how soon it comes.
    """
    for name, module in tuple(sys.modules.items()):
        if name.startswith("angarium.engines.cassandra.") and hasattr(module, "CALL_S"):
            monkeypatch.setattr(module, "CALL_S", CALL_S)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.param
    return engine


@pytest.fixture
def logs(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Logs]:
    with engine.open_logs(request) as opened:
        yield opened


@pytest.fixture
def stores(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Stores]:
    with engine.open_stores(request) as opened:
        yield opened


@pytest.fixture
def group() -> str:
    return f"router-{uuid4().hex[:8]}"


@pytest.fixture
def open_consumer(logs: Logs) -> Iterator[Callable[[str], LogConsumer]]:
    """Give a maker of consumers that are closed when the test ends."""
    with ExitStack() as stack:
        yield lambda group: stack.enter_context(closing(logs.open_consumer(group)))


@pytest.fixture
def read(open_consumer: Callable[[str], LogConsumer]) -> OpenReading:
    """Give a maker of readings, each with a consumer of its own."""
    return lambda group: Reading(open_consumer(group))


@pytest.fixture
def log(logs: Logs) -> MessageLog:
    return logs.log


@pytest.fixture
def dead_letters(logs: Logs) -> DeadLetterLog:
    return logs.dead_letters


@pytest.fixture
def log_inspector(logs: Logs, group: str) -> LogInspector:
    return logs.open_inspector(group)


@pytest.fixture
def dead_letter_inspector(logs: Logs) -> DeadLetterInspector:
    return logs.dead_letter_inspector


@pytest.fixture
def users(stores: Stores) -> UserStore:
    return stores.users


@pytest.fixture
def conversations(stores: Stores) -> ConversationStore:
    return stores.conversations


@pytest.fixture
def message_writer(stores: Stores) -> MessageWriter:
    return stores.message_writer


@pytest.fixture
def reader(stores: Stores) -> MessageReader:
    return stores.reader


@pytest.fixture
def presence(stores: Stores) -> PresenceStore:
    return stores.presence


@pytest.fixture
def inspector(stores: Stores) -> StoreInspector:
    return stores.inspector


@pytest.fixture
def loader(stores: Stores) -> BulkLoader:
    return stores.loader


@pytest.fixture
def damage(stores: Stores) -> Damage:
    return stores.damage


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
def five(message_writer: MessageWriter, chat: Chat) -> list[Message]:
    messages = chat.messages(5)
    record(message_writer, *messages)
    return messages


@pytest.fixture
def keys() -> dict[int, bytes]:
    return keys_by_partition(PARTITIONS)
