"""The engine in memory that other tests use."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from angarium.clock import SystemClock
from tests.contract.ports.engine import Engine
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.fakes.users import MemoryUsers


@contextmanager
def open_fakes(_request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine that forgets everything with the test."""
    log, users, messages = MemoryLog(4, SystemClock()), MemoryUsers(), MemoryMessages()
    yield Engine(
        partitions=4,
        log=log,
        open_consumer=lambda group: MemoryConsumer(log, group),
        dead_letters=MemoryDeadLetters(),
        users=users,
        users_elsewhere=users,
        conversations=MemoryConversations(),
        recorder=messages,
        reader=messages,
        presence=MemoryPresence(),
    )
