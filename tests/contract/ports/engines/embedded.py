"""The embedded engine, in a folder of its own for each test."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from angarium.clock import SystemClock
from angarium.engines.embedded.bulk_loader import EmbeddedBulkLoader
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
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.retention import LogRetention
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.ports.message_log import BEGINNING, Position
from tests.contract.ports.damage import EmbeddedDamage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores
from tests.contract.ports.records import append, keys_by_partition
from tests.fakes.clock import ManualClock

WRITE_TIMEOUT_S = 60.0
"""What the port promises holds on a disk that stalls, too; the limit
itself has tests in `test_writer.py`.
"""


def _open(folder: Path) -> Database:
    """Open the database with a patience that a slow disk cannot use
    up.
    """
    return Database.open(folder, PARTITIONS, write_timeout_s=WRITE_TIMEOUT_S)


def _remove_some(folder: Path) -> tuple[Position, ...]:
    """Leave an empty log from which records were removed, as many from
    each partition as its number.

    Returns:
        By partition, where the log starts now.
    """
    clock = ManualClock()
    with closing(_open(folder)) as database:
        log = EmbeddedLog(database, clock)
        for partition, key in keys_by_partition(PARTITIONS).items():
            for _ in range(partition):
                append(log, "removed", key)
                clock.advance(1)
        consumer = EmbeddedConsumer(database, log, "former")
        held = {each.partition: each for each in consumer.poll(0).gained}
        consumer.commit({held[each]: Position(each, 0) for each in range(1, PARTITIONS)})
        clock.advance(10)
        removed = LogRetention(database, "former", 1, clock).remove_expired()
        assert removed == sum(range(PARTITIONS))
        starts = database.read(read_log_starts)
        return tuple(starts.get(each, BEGINNING) for each in range(PARTITIONS))


@contextmanager
def _open_logs_after_removal(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """Open a log as retention leaves it."""
    starts = _remove_some(request.getfixturevalue("tmp_path"))
    with _open_logs(request) as logs:
        yield replace(logs, starts=starts)


@contextmanager
def _open_logs(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """Open a new file twice, the second time as a command does that
    looks at it.
    """
    folder: Path = request.getfixturevalue("tmp_path")
    with (
        closing(_open(folder)) as database,
        closing(_open(folder)) as elsewhere,
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
            expire_applied=lambda group: _expire_applied(elsewhere, group),
        )


def _expire_applied(database: Database, group: str) -> None:
    clock = ManualClock()
    clock.now_ms = lambda: SystemClock().now_ms() + 60_000  # type: ignore[method-assign]
    LogRetention(database, group, 1, clock).remove_expired()


@contextmanager
def _open_stores(request: pytest.FixtureRequest) -> Iterator[Stores]:
    """Open a new file twice, the second time as another process
    does.
    """
    folder: Path = request.getfixturevalue("tmp_path")
    with (
        closing(_open(folder)) as database,
        closing(_open(folder)) as elsewhere,
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
            loader=EmbeddedBulkLoader(database),
            damage=EmbeddedDamage(folder),
        )


EMBEDDED = Engine(_open_logs, _open_stores, _open_stores)
AFTER_REMOVAL = Engine(_open_logs_after_removal, _open_stores, _open_stores)
