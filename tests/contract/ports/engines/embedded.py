"""The embedded engine, in a folder of its own for each test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from angarium.clock import SystemClock
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.engines.embedded.users import EmbeddedUsers
from tests.contract.ports.damage import EmbeddedDamage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores


@contextmanager
def _open_logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    folder: Path = request.getfixturevalue("tmp_path")
    with closing(Database.open(folder, PARTITIONS)) as database:
        log = EmbeddedLog(database, SystemClock())
        yield Logs(
            log,
            lambda group: EmbeddedConsumer(database, log, group),
            EmbeddedDeadLetters(database),
        )


@contextmanager
def _open_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Open a new file twice, the second time as another process
    does.
    """
    folder: Path = request.getfixturevalue("tmp_path")
    with (
        closing(Database.open(folder, PARTITIONS)) as database,
        closing(Database.open(folder, PARTITIONS)) as elsewhere,
    ):
        messages = EmbeddedMessages(database)
        yield Stores(
            users=EmbeddedUsers(database),
            users_elsewhere=EmbeddedUsers(elsewhere),
            conversations=EmbeddedConversations(database),
            message_writer=messages,
            reader=messages,
            presence=EmbeddedPresence(database),
            inspector=EmbeddedStoreInspector(elsewhere),
            damage=EmbeddedDamage(folder),
        )


EMBEDDED = Engine(_open_logs, _open_stores)
