"""The HTTP server, routes and services over stores in memory and some
log.

BENCH_LOG=instant BENCH_CONVERSATIONS=file BENCH_PORT=…
ANGARIUM_JWT_SECRET=… python -m bench.memory_api
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from angarium import logs, wiring
from angarium.api.transport.server import Server
from angarium.cli import process
from angarium.clock import Clock, SystemClock
from angarium.config import Settings
from angarium.domain.conversation import Conversation
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import MessageLog
from bench.stand_in_logs import opened
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.fakes.users import MemoryUsers


def memory_server(
    settings: Settings,
    members_file: Path,
    log: MessageLog,
    clock: Clock,
    idle_hint: Callable[[], None] | None = None,
) -> Server:
    """Put the API together on memory."""
    conversations = MemoryConversations()
    for name, members in json.loads(members_file.read_text()).items():
        first, second = sorted(members)
        conversation = Conversation(UUID(name), (UUID(first), UUID(second)), clock.now_ms())
        conversations.create(conversation, uuid4())
    messages = MemoryMessages()
    engine = wiring.Engine(
        log=log,
        consumer=partial(MemoryConsumer, MemoryLog()),
        dead_letters=MemoryDeadLetters(),
        users=MemoryUsers(),
        conversations=conversations,
        message_writer=messages,
        reader=messages,
        presence=MemoryPresence(),
        signer=JwtSigner(settings.jwt_secret or "", "angarium", "angarium", 3600),
        instance="api-1",
        max_store_calls_per_user=4,
        idle_hint=idle_hint,
    )
    return wiring.http_server(settings, engine, clock)


def main() -> int:
    """Serve until SIGTERM, in a process that is tuned as that of
    `angarium api` is.
    """
    process.return_free_memory()
    settings = Settings.from_env(os.environ)
    handler = logs.configure("api", settings.log_level, "json")
    clock = SystemClock()
    with opened(os.environ["BENCH_LOG"], settings, clock) as (log, idle_hint):
        members = Path(os.environ["BENCH_CONVERSATIONS"])
        server = memory_server(settings, members, log, clock, idle_hint)
        signal.signal(signal.SIGTERM, lambda *_: server.stop(1.0))
        process.tune_garbage_collector()
        server.serve()
    handler.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
