"""The engine in memory that other tests use; it forgets everything with
the test.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from angarium.clock import SystemClock
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores
from tests.fakes.bulk_load import MemoryBulkLoader
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.fakes.users import MemoryUsers


@contextmanager
def _open_logs(_request: pytest.FixtureRequest) -> Iterator[Logs]:
    log = MemoryLog(PARTITIONS, SystemClock())
    dead_letters = MemoryDeadLetters()
    yield Logs(
        log,
        lambda group: MemoryConsumer(log, group),
        dead_letters,
        open_member=lambda group, instance: closing(MemoryConsumer(log, group, instance=instance)),
        open_inspector=lambda group: MemoryLogInspector(log, group),
        dead_letter_inspector=MemoryDeadLetterInspector(dead_letters),
        expire_applied=lambda group: _expire_applied(log, group),
    )


def _expire_applied(log: MemoryLog, group: str) -> None:
    with log.changed:
        committed = log.group(group).committed()
    for partition, position in committed.items():
        log.expire(partition, position.offset)


@contextmanager
def _open_stores(_request: pytest.FixtureRequest) -> Iterator[Stores]:
    users, messages, conversations = MemoryUsers(), MemoryMessages(), MemoryConversations()
    inspector = MemoryStoreInspector(messages, conversations)
    yield Stores(
        users=users,
        users_elsewhere=users,
        conversations=conversations,
        message_writer=messages,
        reader=messages,
        presence=MemoryPresence(),
        inspector=inspector,
        loader=MemoryBulkLoader(users, conversations, messages, inspector),
        damage=inspector,
    )


FAKES = Engine(_open_logs, _open_stores, _open_stores)
