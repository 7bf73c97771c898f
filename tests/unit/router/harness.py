"""A worker between engines in memory, driven turn by turn; nothing in
it waits.
"""

from collections.abc import Sequence
from uuid import UUID

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.events import Event, encode
from angarium.domain.message import BEGINNING, Message
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Appended, DeadLetterLog, LogConsumer, Position
from angarium.ports.messages import MessageWriter
from angarium.ports.presence import PresenceStore
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from tests.fakes.clock import ManualClock
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.faults import Faults
from tests.unit.router.events import ALICE_BOB, HEADERS

GROUP = "router"
WINDOW = 30.0
STEPS = 200
AT_ONCE = WorkerLimits(poll_timeout_s=0, commit_interval_s=0)


class WorkerHarness:
    """One log, one store, and as many workers as a test makes."""

    def __init__(self, clock: ManualClock, partitions: int = 1) -> None:
        self.clock = clock
        self.log = MemoryLog(partitions, clock)
        self.messages = MemoryMessages()
        self.dead_letters = MemoryDeadLetters()
        self.presence = MemoryPresence()
        self.log_faults = Faults(LogUnavailable)
        self.store_faults = Faults(StoreUnavailable)
        self.dead_letter_faults = Faults(LogUnavailable)

    def worker(
        self, message_writer: MessageWriter | None = None, limits: WorkerLimits = AT_ONCE
    ) -> Worker:
        """Make a worker whose waits take no time and whose jitter is
        always the most.
        """
        messages: MessageWriter = message_writer or self.messages
        dead_letters: DeadLetterLog = self.dead_letters
        return Worker(
            self.consumer,
            self.log.partitions,
            self.store_faults.around(messages),
            self.dead_letter_faults.around(dead_letters),
            self.online(),
            self.clock,
            limits,
            uniform=lambda _, most: most,
        )

    def online(self) -> OnlineUsers:
        presence: PresenceStore = self.presence
        return OnlineUsers(self.store_faults.around(presence), WINDOW, self.clock)

    def consumer(self) -> LogConsumer:
        consumer: LogConsumer = MemoryConsumer(self.log, GROUP)
        return self.log_faults.around(consumer)

    def put(self, event: Event, at: int | None = None, partition: int | None = None) -> Appended:
        """Append what a well-behaved API appends, at any moment of the
        log's clock; or astray.
        """
        key = str(event.conversation_id).encode()
        if partition is None:
            partition = partition_for(key, self.log.partitions)
        return self.log.append_raw(partition, key, encode(event), HEADERS, at)

    def put_raw(self, value: bytes | None, key: bytes | None = b"key") -> Appended:
        return self.log.append_raw(0, key, value, HEADERS)

    def run(self, *workers: Worker, steps: int = STEPS) -> None:
        """Let workers take turns until everything is committed."""
        for _ in range(steps):
            for worker in workers:
                worker.step()
            if self.all_committed():
                return
        raise AssertionError(f"not all is committed after {steps} turns: {self.position()}")

    def all_committed(self) -> bool:
        return all(
            self.position(partition).offset == len(self.log.read(partition, 0, 10_000))
            for partition in range(self.log.partitions)
        )

    def position(self, partition: int = 0) -> Position:
        with self.log.changed:
            return self.log.group(GROUP).position(partition)

    def rewind(self) -> None:
        """Make every hold end and everything come again from the
        beginning.
        """
        with self.log.changed:
            group = self.log.group(GROUP)
            group._committed.clear()
            group._holds.clear()

    def forget_positions(self) -> None:
        """Let the next consumer begin where the log begins."""
        with self.log.changed:
            self.log._groups.clear()

    def take_away(self, partition: int = 0) -> None:
        with self.log.changed:
            self.log.group(GROUP).take_away(partition)

    def history(self, conversation_id: UUID = ALICE_BOB) -> Sequence[Message]:
        return self.messages.newer(conversation_id, BEGINNING, 10_000)

    def texts(self, conversation_id: UUID = ALICE_BOB) -> list[str]:
        return [message.content for message in self.history(conversation_id)]

    def reasons(self) -> list[str]:
        return [letter.reason for letter in reversed(self.dead_letters.read(10_000))]


def let_pass(harness: WorkerHarness, worker: Worker, seconds: float, step: float = 0.05) -> None:
    """Let the worker go on while time passes."""
    for _ in range(round(seconds / step)):
        worker.step()
        harness.clock.advance(step)
