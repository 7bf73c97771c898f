"""The embedded engine, in a folder of its own for each test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from angarium.clock import SystemClock
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.data_folder import DataFolderLock, applying_instance
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import (
    EmbeddedDeadLetterInspector,
    EmbeddedLogInspector,
)
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.engines.embedded.users import EmbeddedUsers
from tests.contract.ports.damage import EmbeddedDamage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores


@contextmanager
def _open_logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """Open a new file twice, the second time as a command does that
    looks at it.
    """
    folder: Path = request.getfixturevalue("tmp_path")
    with (
        closing(Database.open(folder, PARTITIONS)) as database,
        closing(Database.open(folder, PARTITIONS)) as elsewhere,
    ):
        log = EmbeddedLog(database, SystemClock())

        @contextmanager
        def open_member(group: str, instance: str) -> Iterator[EmbeddedConsumer]:
            with DataFolderLock(folder, instance):
                yield EmbeddedConsumer(database, log, group)

        yield Logs(
            log,
            lambda group: EmbeddedConsumer(database, log, group),
            EmbeddedDeadLetters(database),
            open_member=open_member,
            open_inspector=lambda group: EmbeddedLogInspector(
                elsewhere, group, lambda: applying_instance(folder)
            ),
            dead_letter_inspector=EmbeddedDeadLetterInspector(elsewhere),
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
