"""A service in memory with a real worker, whose messages are traced."""

import json
from collections import defaultdict, deque
from collections.abc import Callable
from typing import TypeVar, cast
from uuid import UUID

from angarium.cli.trace_report import TraceReport
from angarium.domain.conversation import Conversation
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.events import SCHEMA, Event, encode
from angarium.domain.message import Message
from angarium.domain.partitioning import partition_for
from angarium.domain.user import User
from angarium.ports.conversations import ConversationStore
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.ports.message_log import Appended
from angarium.ports.store_inspection import StoreInspector
from angarium.router.worker import Worker
from angarium.services.trace.journey import Subject
from angarium.services.trace.tracer import LogSources, Progress, StoreSources, trace
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.fakes.users import MemoryUsers
from tests.faults import Faults
from tests.unit.router.events import ALICE, ALICE_BOB, BOB
from tests.unit.router.harness import GROUP, WorkerHarness

PARTITIONS = 4
PARTITION = partition_for(str(ALICE_BOB).encode(), PARTITIONS)
HELLO = UUID("01a206a1-0000-7000-8000-000000000001")
TRACE_ID = "a8c4e2180af7651916cd43dd8448eb21"
Port = TypeVar("Port")
START_MS = 1_700_000_000_000


class Meanwhile:
    """Lets something happen before or after a call to a port."""

    def __init__(self) -> None:
        self._before: dict[str, deque[Callable[[], object]]] = defaultdict(deque)
        self._after: dict[str, deque[Callable[[], object]]] = defaultdict(deque)

    def before(self, method: str, happens: Callable[[], object]) -> None:
        """Let it happen before the next call of a method for which
        nothing is planned.
        """
        self._before[method].append(happens)

    def after(self, method: str, happens: Callable[[], object]) -> None:
        """Let it happen after that call."""
        self._after[method].append(happens)

    def around(self, port: Port) -> Port:
        """Give an object that behaves like the port."""
        return cast("Port", _Watched(port, self))


class _Watched:
    def __init__(self, port: object, meanwhile: Meanwhile) -> None:
        self._port = port
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> object:
        method = getattr(self._port, name)

        def call(*args: object, **kwargs: object) -> object:
            before, after = self._meanwhile._before[name], self._meanwhile._after[name]
            if before:
                before.popleft()()
            result = method(*args, **kwargs)
            if after:
                after.popleft()()
            return result

        return call


class TracedService:
    """Log, store and worker, as `trace` sees them."""

    def __init__(self) -> None:
        self.clock = ManualClock(START_MS)
        self.harness = WorkerHarness(self.clock, PARTITIONS)
        self.log = self.harness.log
        self.conversations = MemoryConversations()
        self.users = MemoryUsers()
        for name, user_id in (("alice", ALICE), ("bob", BOB)):
            self.users.put(User(user_id, name, "$scrypt$", START_MS))
        pair = cast("tuple[UUID, UUID]", tuple(sorted((ALICE, BOB), key=str)))
        self.conversations.create(Conversation(ALICE_BOB, pair, START_MS), UUID(int=1))
        self.rows = MemoryStoreInspector(self.harness.messages, self.conversations)
        self.log_faults = Faults(LogUnavailable)
        self.store_faults = Faults(StoreUnavailable)
        self.meanwhile = Meanwhile()
        self.letters: DeadLetterInspector = MemoryDeadLetterInspector(self.harness.dead_letters)
        self._worker: Worker | None = None

    def append(self, event: Event, partition: int | None = None, **headers: bytes) -> Appended:
        """Append an event as the API does, a second after the one
        before.
        """
        self.clock.advance(1)
        every = {
            "trace_id": TRACE_ID.encode(),
            "schema": SCHEMA.encode(),
            "instance": b"api-2",
            **headers,
        }
        key = str(event.conversation_id).encode()
        if partition is None:
            partition = partition_for(key, PARTITIONS)
        return self.log.append_raw(partition, key, encode(event), every)

    def work(self) -> None:
        """Let the worker apply and commit everything."""
        if self._worker is None:
            self._worker = self.harness.worker()
        self.harness.run(self._worker)

    def row(self, message_id: UUID) -> Message:
        """Give the row of a message."""
        return self.harness.messages.find(ALICE_BOB, [message_id])[message_id]

    def report(self, message_id: UUID, progress: Progress | None = None) -> TraceReport:
        """Trace a message of alice and bob."""
        subject = Subject(ALICE_BOB, message_id, "messages", PARTITIONS)
        log = self.meanwhile.around(cast("LogInspector", MemoryLogInspector(self.log, GROUP)))
        rows = self.meanwhile.around(cast("StoreInspector", self.rows))
        conversations: ConversationStore = self.conversations
        journey = trace(
            subject,
            LogSources(self.log_faults.around(log), self.letters),
            StoreSources(
                self.store_faults.around(rows), self.users, self.store_faults.around(conversations)
            ),
            progress,
        )
        return TraceReport(subject, GROUP, journey)

    def table(self, message_id: UUID) -> dict[str, str]:
        """Give the lines of the table by their labels; lines without
        one belong to the one before.
        """
        found: dict[str, str] = {}
        label = ""
        for line in self.report(message_id).lines():
            label = line[:11].strip() or label
            text = line[11:]
            found[label] = f"{found[label]}\n{text}" if label in found else text
        return found

    def json(self, message_id: UUID) -> dict[str, object]:
        """Give the JSON document."""
        return cast("dict[str, object]", json.loads(self.report(message_id).json()))


def rfc3339(appended: Appended) -> str:
    """Write the moment of an append, which is after START_MS by whole
    seconds.
    """
    seconds = (appended.timestamp - START_MS) // 1000
    return f"2023-11-14T22:13:{20 + seconds:02}.000Z"


def at(offset: int) -> str:
    """Name a record of the conversation's partition."""
    return f"messages[{PARTITION}]@{offset}"
