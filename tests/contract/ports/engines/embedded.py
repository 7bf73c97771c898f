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
from angarium.engines.embedded.users import EmbeddedUsers
from tests.contract.ports.engine import Engine


@contextmanager
def open_embedded(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Give an engine on a new file, and a second connection to it as another process has it."""
    folder: Path = request.getfixturevalue("tmp_path")
    with closing(Database.open(folder, 4)) as database, closing(Database.open(folder, 4)) as elsewhere:
        log, messages = EmbeddedLog(database, SystemClock()), EmbeddedMessages(database)
        yield Engine(
            partitions=4,
            log=log,
            open_consumer=lambda group: EmbeddedConsumer(database, log, group),
            dead_letters=EmbeddedDeadLetters(database),
            users=EmbeddedUsers(database),
            users_elsewhere=EmbeddedUsers(elsewhere),
            conversations=EmbeddedConversations(database),
            recorder=messages,
            reader=messages,
            presence=EmbeddedPresence(database),
        )
