"""What an engine hands to the suites of the ports."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from angarium.ports.conversations import ConversationStore
from angarium.ports.message_log import DeadLetterLog, LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageRecorder
from angarium.ports.presence import PresenceStore
from angarium.ports.users import UserStore


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port of one engine, on a log that is empty when a test begins.

    Stores may hold what other tests left: the suites use ids of their own.

    Attributes:
        partitions: The log's partition count, 4 or more.
        log: Takes records.
        open_consumer: Gives a consumer for a group's name; the suite closes it.
        dead_letters: Keeps what could not be applied.
        users: Who may log in.
        users_elsewhere: The same users as another process sees them.
        conversations: Who talks to whom.
        recorder: The router's half of the messages.
        reader: The API's half of the messages.
        presence: Who was seen lately.
    """

    partitions: int
    log: MessageLog
    open_consumer: Callable[[str], LogConsumer]
    dead_letters: DeadLetterLog
    users: UserStore
    users_elsewhere: UserStore
    conversations: ConversationStore
    recorder: MessageRecorder
    reader: MessageReader
    presence: PresenceStore


OpenEngine = Callable[[pytest.FixtureRequest], AbstractContextManager[Engine]]
"""Opens an engine for one test; the request gives access to fixtures, such as servers kept for a session."""
