"""What an engine hands to the suites of the ports."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from angarium.ports.bulk_load import BulkLoader
from angarium.ports.conversations import ConversationStore
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.message_log import BEGINNING, DeadLetterLog, LogConsumer, MessageLog, Position
from angarium.ports.messages import MessageReader, MessageWriter
from angarium.ports.presence import PresenceStore
from angarium.ports.store_inspection import StoreInspector
from angarium.ports.users import UserStore
from tests.contract.ports.damage import Damage

PARTITIONS = 4
"""Of every log."""


@dataclass(frozen=True, slots=True)
class Logs:
    """An engine's log, empty when a test begins.

    Attributes:
        log: Takes records.
        open_consumer: Gives a consumer for a group's name; the suite
            closes it.
        dead_letters: Keeps what could not be applied.
        open_member: Gives a consumer for a group's and an instance's
            name, which is seen as a member; the suite closes it.
        open_inspector: Gives what reads the log beside a group.
        dead_letter_inspector: Reads which records have a dead letter.
        expire_applied: Removes all that a group has applied, as
            retention does.
        starts: By partition, where a new group starts.
    """

    log: MessageLog
    open_consumer: Callable[[str], LogConsumer]
    dead_letters: DeadLetterLog
    open_member: Callable[[str, str], AbstractContextManager[LogConsumer]]
    open_inspector: Callable[[str], LogInspector]
    dead_letter_inspector: DeadLetterInspector
    expire_applied: Callable[[str], None]
    starts: Sequence[Position] = (BEGINNING,) * PARTITIONS


@dataclass(frozen=True, slots=True)
class Stores:
    """An engine's stores; they may hold what other tests left, so the
    suites use ids of their own.

    Attributes:
        users: Who may log in.
        users_elsewhere: The same users as another process sees them.
        conversations: Who talks to whom.
        message_writer: The router's half of the messages.
        reader: The API's half of the messages.
        presence: Who was seen lately.
        inspector: All rows as they are.
        damage: Changes single rows.
        loader: Writes an import; the store has no marker of one.
    """

    users: UserStore
    users_elsewhere: UserStore
    conversations: ConversationStore
    message_writer: MessageWriter
    reader: MessageReader
    presence: PresenceStore
    inspector: StoreInspector
    damage: Damage
    loader: BulkLoader


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port of one engine; a test opens the half that it needs.

    The request gives access to fixtures, such as servers kept for a
    session.

    Attributes:
        open_logs: Opens the log for one test, with PARTITIONS
            partitions.
        open_stores: Opens the stores for one test.
        open_empty_stores: Opens stores that have nothing of others.
    """

    open_logs: Callable[[pytest.FixtureRequest], AbstractContextManager[Logs]]
    open_stores: Callable[[pytest.FixtureRequest], AbstractContextManager[Stores]]
    open_empty_stores: Callable[[pytest.FixtureRequest], AbstractContextManager[Stores]]
