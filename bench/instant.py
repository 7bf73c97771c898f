"""The HTTP server, routes and services over a log that acknowledges at once and stores in memory.

BENCH_CONVERSATIONS=file BENCH_PORT=… ANGARIUM_JWT_SECRET=… python -m bench.instant
"""

import itertools
import json
import os
import signal
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from angarium import logs, wiring
from angarium.api.transport.server import Server
from angarium.clock import Clock, SystemClock
from angarium.config import Settings
from angarium.domain.conversation import Conversation
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import Appended, NewRecord
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.fakes.users import MemoryUsers


class InstantLog:
    """Acknowledges at once and keeps nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offsets = itertools.count()

    def append(self, record: NewRecord) -> "Future[Appended]":  # noqa: ARG002 - nothing is kept
        future: Future[Appended] = Future()
        future.set_result(Appended(0, next(self._offsets), self._clock.now_ms()))
        return future

    def rested(self) -> None:
        """Nothing waits."""

    def check(self) -> None:
        """Always there."""


def instant_server(settings: Settings, members_file: Path, clock: Clock) -> Server:
    """Put the API together on memory."""
    conversations = MemoryConversations()
    for name, members in json.loads(members_file.read_text()).items():
        first, second = sorted(members)
        conversation = Conversation(UUID(name), (UUID(first), UUID(second)), clock.now_ms())
        conversations.create(conversation, uuid4())
    messages = MemoryMessages()
    engine = wiring.Engine(
        log=InstantLog(clock),
        consumer=partial(MemoryConsumer, MemoryLog()),
        dead_letters=MemoryDeadLetters(),
        users=MemoryUsers(),
        conversations=conversations,
        recorder=messages,
        reader=messages,
        presence=MemoryPresence(),
        signer=JwtSigner(settings.jwt_secret or "", "angarium", "angarium", 3600),
    )
    return wiring.http_server(settings, engine, clock)


def main() -> int:
    """Serve until SIGTERM."""
    settings = Settings.from_env(os.environ)
    handler = logs.configure("api", settings.log_level, "json")
    server = instant_server(settings, Path(os.environ["BENCH_CONVERSATIONS"]), SystemClock())
    signal.signal(signal.SIGTERM, lambda *_: server.stop(1.0))
    server.serve()
    handler.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
