"""A message is traced on every engine, while a real worker applies it
there.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from angarium.clock import SystemClock
from angarium.deadline import within
from angarium.domain.conversation import Conversation
from angarium.domain.events import SCHEMA, Event, MessagesDelivered, NewMessage, encode
from angarium.domain.identifiers import conversation_id_for
from angarium.domain.user import User
from angarium.ports.message_log import Appended, NewRecord
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from angarium.services.trace.journey import (
    Accepted,
    Applied,
    Delivered,
    Journey,
    LogRecord,
    Missing,
    RecordPosition,
    Sent,
    Stored,
    Subject,
)
from angarium.services.trace.tracer import LogSources, StoreSources, trace
from tests.contract.ports.damage import Damage
from tests.contract.ports.engine import PARTITIONS, Logs, Stores

PATIENCE_S = 60.0
WORKER = "worker-3"


@dataclass
class Scene:
    """Two users, their conversation, and a worker, driven by a test."""

    logs: Logs
    stores: Stores
    group: str
    worker: Worker

    def __post_init__(self) -> None:
        suffix = uuid4().hex[:12]
        self.alice, self.bob = uuid4(), uuid4()
        for name, user_id in ((f"alice-{suffix}", self.alice), (f"bob-{suffix}", self.bob)):
            self.stores.users.put(User(user_id, name, "$scrypt$", 1))
        self.names = f"alice-{suffix}", f"bob-{suffix}"
        self.conversation = conversation_id_for(self.alice, self.bob)
        first, second = sorted((self.alice, self.bob), key=str)
        self.stores.conversations.create(
            Conversation(self.conversation, (first, second), 1), uuid4()
        )

    def send(self, content: str, message_id: UUID, by_bob: bool = False) -> Appended:
        people = (self.bob, self.alice) if by_bob else (self.alice, self.bob)
        return self.append(NewMessage(uuid4(), self.conversation, 1, message_id, *people, content))

    def confirm(self, message_id: UUID) -> Appended:
        return self.append(
            MessagesDelivered(uuid4(), self.conversation, 1, self.bob, (message_id,))
        )

    def append(self, event: Event) -> Appended:
        headers = {"trace_id": "ab" * 16, "schema": SCHEMA, "instance": "api-2"}
        record = NewRecord(str(event.conversation_id).encode(), encode(event), headers)
        return self.logs.log.append(record).result(PATIENCE_S)

    def work_until(self, condition: Callable[[Journey], bool], message_id: UUID) -> Journey:
        """Let the worker go on until a message is as it should be."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            for _ in range(20):
                self.worker.step()
            journey = self.trace(message_id)
            if condition(journey):
                return journey
            assert time.monotonic() < give_up, journey

    def trace(self, message_id: UUID) -> Journey:
        subject = Subject(self.conversation, message_id, "messages", PARTITIONS)
        with within(PATIENCE_S):
            return trace(
                subject,
                LogSources(self.logs.open_inspector(self.group), self.logs.dead_letter_inspector),
                StoreSources(self.stores.inspector, self.stores.users, self.stores.conversations),
            )


@pytest.fixture
def scene(logs: Logs, stores: Stores, group: str) -> Iterator[Scene]:
    clock = SystemClock()
    with ExitStack() as stack:
        worker = Worker(
            lambda: stack.enter_context(logs.open_member(group, WORKER)),
            PARTITIONS,
            stores.message_writer,
            logs.dead_letters,
            OnlineUsers(stores.presence, 30.0, clock),
            clock,
            WorkerLimits(poll_timeout_s=0.05, commit_interval_s=0),
        )
        yield Scene(logs, stores, group, worker)
        worker.stop()


def test_a_message_is_followed_from_its_record_to_its_receipt(scene: Scene) -> None:
    message_id = uuid4()
    scene.send("before", uuid4())
    sent = scene.send("hello", message_id)

    waiting = scene.trace(message_id)
    assert isinstance(waiting.record, LogRecord)
    assert waiting.record.position == RecordPosition(sent.partition, sent.offset)
    assert waiting.record.watermark >= sent.timestamp
    assert isinstance(waiting.stored, Missing)
    assert waiting.stored.reason.startswith("not stored yet: the group is 2 records behind, and ")

    stored = scene.work_until(lambda journey: isinstance(journey.stored, Stored), message_id)
    assert isinstance(stored.stored, Stored)
    assert (stored.stored.index_agrees, stored.stored.damage) == (True, ())
    assert stored.stored.position.offset == sent.offset
    assert isinstance(stored.record, LogRecord)
    assert stored.record.watermark == stored.stored.position.timestamp

    receipt = scene.confirm(message_id)
    again = scene.send("hello again", message_id)
    conflict = scene.send("mine", message_id, by_bob=True)
    journey = scene.work_until(lambda found: bool(found.refusals), message_id)
    journey = scene.work_until(
        lambda found: isinstance(found.applied, Applied) and found.applied.lag == 0, message_id
    )
    assert isinstance(journey.message, Sent)
    assert (journey.message.sender, journey.message.recipient) == scene.names
    assert journey.message.message.content == "hello"
    assert journey.accepted == Accepted(sent.timestamp, "api-2", "ab" * 16)
    assert isinstance(journey.applied, Applied)
    assert journey.applied.owner == WORKER
    assert journey.applied.committed == journey.applied.end == conflict.offset + 1
    assert isinstance(journey.delivered, Delivered)
    assert journey.delivered.receipt == RecordPosition(receipt.partition, receipt.offset)
    assert journey.delivered.at >= receipt.timestamp
    assert list(journey.duplicates or ()) == [again.offset]
    (refusal,) = journey.refusals
    assert refusal.reason == "message_id_conflict"
    assert refusal.position == RecordPosition(conflict.partition, conflict.offset)
    assert not journey.damage
    assert not journey.unavailable


def test_rows_that_were_deleted_are_named(scene: Scene, damage: Damage) -> None:
    message_id = uuid4()
    sent = scene.send("hello", message_id)
    stored = scene.work_until(
        lambda found: (
            isinstance(found.applied, Applied) and found.applied.committed == sent.offset + 1
        ),
        message_id,
    )
    assert isinstance(stored.stored, Stored)
    (row,) = scene.stores.reader.find(scene.conversation, [message_id]).values()

    damage.delete_message(row)
    half = scene.trace(message_id)
    assert isinstance(half.stored, Missing)
    assert half.stored.reason.startswith("not stored, though the index has it at (")

    damage.delete_index(scene.conversation, message_id)
    gone = scene.trace(message_id)
    assert isinstance(gone.stored, Missing)
    assert gone.stored.reason.startswith("not stored, though the group is past its record; see ")
    assert isinstance(gone.message, Sent)
