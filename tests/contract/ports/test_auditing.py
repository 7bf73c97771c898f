"""Every engine is audited: what a real worker has applied is sound, and
each damage is found and named, and nothing else.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from angarium.clock import SystemClock
from angarium.domain.events import SCHEMA, Event, MessagesDelivered, NewMessage, encode
from angarium.domain.identifiers import conversation_id_for
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.partitioning import partition_for
from angarium.ports.log_inspection import LogInspector
from angarium.ports.message_log import Appended, DeadLetter, DeadLetterLog, NewRecord
from angarium.ports.store_inspection import IndexRow
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from angarium.services.audit.audit import Sources, audit
from angarium.services.audit.findings import Finding, Findings
from angarium.services.audit.store_walk import Pace
from angarium.services.dead_letters import DeadLetters
from angarium.services.outage_retry import OutageRetry
from angarium.services.presence import OnlineUsers
from tests.contract.ports.damage import Damage
from tests.contract.ports.engine import PARTITIONS, Engine, Logs, Stores
from tests.contract.ports.registry import LOGS

PATIENCE_S = 60.0
POISON = b"no event, and its dead letter is lost"

pytestmark = pytest.mark.parametrize("engine", LOGS)


class LosingDeadLetters:
    """Loses the dead letter of one record."""

    def __init__(self, letters: DeadLetterLog) -> None:
        self._letters = letters

    def append(self, letter: DeadLetter) -> "Future[None]":
        if letter.record.value != POISON:
            return self._letters.append(letter)
        lost: Future[None] = Future()
        lost.set_result(None)
        return lost


@dataclass(frozen=True)
class Talk:
    """A conversation with the positions of its records."""

    alice: UUID = field(default_factory=uuid4)
    bob: UUID = field(default_factory=uuid4)
    first: UUID = field(default_factory=uuid4)
    second: UUID = field(default_factory=uuid4)
    offsets: dict[str, int] = field(default_factory=dict)

    @property
    def conversation_id(self) -> UUID:
        return conversation_id_for(self.alice, self.bob)


def new(talk: Talk, message_id: UUID, people: tuple[UUID, UUID], text: str) -> NewMessage:
    return NewMessage(uuid4(), talk.conversation_id, 1, message_id, *people, text)


def confirmed(talk: Talk, *message_ids: UUID) -> MessagesDelivered:
    return MessagesDelivered(uuid4(), talk.conversation_id, 1, talk.bob, message_ids)


class Scene:
    """A log, a store, and workers that a test drives."""

    def __init__(self, logs: Logs, stores: Stores, group: str, stack: ExitStack) -> None:
        self.logs, self.stores, self.group = logs, stores, group
        self._stack = stack
        self._inspector: LogInspector = logs.open_inspector(group)
        self.workers: list[Worker] = []

    def join(self) -> None:
        """Let one more worker share the partitions."""
        clock = SystemClock()
        self.workers.append(
            Worker(
                lambda: self._stack.enter_context(closing(self.logs.open_consumer(self.group))),
                PARTITIONS,
                self.stores.message_writer,
                LosingDeadLetters(self.logs.dead_letters),  # type: ignore[arg-type]
                OnlineUsers(self.stores.presence, 30.0, clock),
                clock,
                WorkerLimits(poll_timeout_s=0.02, commit_interval_s=0),
            )
        )

    def append(self, event: Event) -> Appended:
        return self.append_raw(str(event.conversation_id).encode(), encode(event))

    def append_raw(self, key: bytes, value: bytes) -> Appended:
        headers = {"trace_id": "ab" * 16, "schema": SCHEMA}
        return self.logs.log.append(NewRecord(key, value, headers)).result(PATIENCE_S)

    def talk(self) -> Talk:
        """Append a conversation that has everything in it."""
        talk = Talk()
        there, back = (talk.alice, talk.bob), (talk.bob, talk.alice)
        events: Mapping[str, Event] = {
            "first": new(talk, talk.first, there, "one \U0001f600"),
            "second": new(talk, talk.second, there, "two"),
            "third": new(talk, uuid4(), back, "three"),
            "duplicate": new(talk, talk.second, there, "again"),
            "conflict": new(talk, talk.second, back, "mine"),
            "receipt": confirmed(talk, talk.first),
            "repeated": confirmed(talk, talk.first),
            "unknown": confirmed(talk, uuid4()),
        }
        for name, event in events.items():
            talk.offsets[name] = self.append(event).offset
        return talk

    def work(self) -> None:
        """Let the workers apply and commit everything."""
        give_up = time.monotonic() + PATIENCE_S
        while not self._is_committed():
            assert time.monotonic() < give_up
            for _ in range(10):
                for worker in self.workers:
                    worker.step()

    def _is_committed(self) -> bool:
        committed = self._inspector.committed()
        return all(
            end <= first or (partition in committed and committed[partition].offset >= end)
            for partition, (first, end) in enumerate(self._inspector.ranges())
        )

    def audit(self, conversation_id: UUID | None = None) -> list[Finding]:
        clock = SystemClock()
        with closing(Findings()) as findings:
            audit(
                Sources(self._inspector, self.logs.dead_letter_inspector, self.stores.inspector),
                findings,
                OutageRetry(clock, lambda *_: None),
                Pace(None, clock),
                clock,
                conversation_id=conversation_id,
            )
            return list(findings.all())


@pytest.fixture
def scene(
    engine: Engine, logs: Logs, group: str, request: pytest.FixtureRequest
) -> Iterator[Scene]:
    with engine.open_empty_stores(request) as stores, ExitStack() as stack:
        scene = Scene(logs, stores, group, stack)
        scene.join()
        yield scene
        for worker in scene.workers:
            worker.stop()


def row_of(scene: Scene, talk: Talk, message_id: UUID) -> Message:
    _, (row,) = scene.stores.inspector.find(talk.conversation_id, message_id)
    return row


def index_of(row: Message) -> IndexRow:
    return IndexRow(row.message_id, row.position, row.sender_id)


def delete_row(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    damage.delete_message(row)
    return "missing", talk.offsets["second"]


def delete_index_row(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    damage.delete_index(talk.conversation_id, row.message_id)
    return "missing", talk.offsets["second"]


def change_text(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    damage.put_message(row._replace(content="too"))
    return "altered", talk.offsets["second"]


def deliver(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    at = row.position.timestamp + 1
    damage.put_message(row._replace(status=Status.DELIVERED, delivered_at=at))
    return "altered", talk.offsets["second"]


def move(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    later = MessagePosition(row.position.timestamp + 60_000, row.position.offset)
    damage.delete_message(row)
    damage.put_message(row._replace(position=later))
    damage.put_index(talk.conversation_id, index_of(row)._replace(position=later))
    return "misplaced", talk.offsets["second"]


def move_index_row(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    later = MessagePosition(row.position.timestamp, talk.offsets["duplicate"])
    damage.put_index(talk.conversation_id, index_of(row)._replace(position=later))
    return "misplaced", talk.offsets["second"]


def double(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    again = MessagePosition(row.position.timestamp, talk.offsets["duplicate"])
    damage.put_message(row._replace(content="again", position=again))
    return "doubled", talk.offsets["duplicate"]


def undo_receipt(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    damage.put_message(row._replace(status=Status.SENT, delivered_at=None))
    return "undelivered", talk.offsets["receipt"]


def invent(damage: Damage, row: Message, talk: Talk) -> tuple[str, int]:
    elsewhere = MessagePosition(row.position.timestamp, talk.offsets["receipt"])
    invented = row._replace(message_id=uuid4(), position=elsewhere)
    damage.put_message(invented)
    damage.put_index(talk.conversation_id, index_of(invented))
    return "unexplained", talk.offsets["receipt"]


DAMAGES: list[Callable[[Damage, Message, Talk], tuple[str, int]]] = [
    delete_row,
    delete_index_row,
    change_text,
    deliver,
    move,
    move_index_row,
    double,
    invent,
]


Named = tuple[str, UUID | None, int, int]


def named(findings: list[Finding]) -> set[Named]:
    return {
        (each.kind.value, each.conversation_id, each.partition, each.offset) for each in findings
    }


def test_every_damage_is_found_and_nothing_else(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(len(DAMAGES) + 3)]
    poison = scene.append_raw(b"?", POISON)
    kept_poison = scene.append_raw(b"?", b"no event")
    assert scene.audit() == []
    scene.work()
    # Every dead letter is replayed: most become another one.
    letters = DeadLetters(scene.logs.dead_letters, scene.logs.log)
    for letter in letters.newest(100):
        letters.replay(letter)
    lost: set[Named] = {("unburied", None, poison.partition, poison.offset)}
    assert named(scene.audit()) == lost
    scene.work()
    assert named(scene.audit()) == lost
    assert kept_poison.offset != poison.offset or kept_poison.partition != poison.partition

    expected = set(lost)
    damage = scene.stores.damage
    for do, talk in zip(DAMAGES, talks, strict=False):
        kind, offset = do(damage, row_of(scene, talk, talk.second), talk)
        partition = partition_for(str(talk.conversation_id).encode(), PARTITIONS)
        expected.add((kind, talk.conversation_id, partition, offset))
    last = talks[-1]
    kind, offset = undo_receipt(damage, row_of(scene, last, last.first), last)
    partition = partition_for(str(last.conversation_id).encode(), PARTITIONS)
    expected.add((kind, last.conversation_id, partition, offset))

    assert named(scene.audit()) == expected
    one = talks[0].conversation_id
    assert named(scene.audit(one)) == {each for each in expected if each[1] == one}
    assert scene.audit(talks[-2].conversation_id) == []


def test_what_retention_took_is_no_finding_and_what_is_left_is_judged(scene: Scene) -> None:
    old = [scene.talk() for _ in range(4)]
    scene.work()
    scene.logs.expire_applied(scene.group)
    assert scene.audit() == []
    # Ids, receipts and conflicts of messages whose records are gone.
    for talk in old:
        people = (talk.alice, talk.bob)
        for sender, recipient in (people, people[::-1]):
            scene.append(
                NewMessage(
                    uuid4(), talk.conversation_id, 1, talk.first, sender, recipient, "again"
                )
            )
        scene.append(MessagesDelivered(uuid4(), talk.conversation_id, 1, talk.bob, (talk.second,)))
    new = [scene.talk() for _ in range(2)]
    scene.work()
    assert scene.audit() == []
    damage = scene.stores.damage
    damage.delete_index(old[0].conversation_id, old[0].first)
    gone = row_of(scene, new[0], new[0].second)
    damage.delete_message(gone)
    unconfirmed = row_of(scene, old[1], old[1].second)
    assert unconfirmed.status is Status.DELIVERED
    damage.put_message(unconfirmed._replace(status=Status.SENT, delivered_at=None))
    assert {(each.kind.value, each.message_id) for each in scene.audit()} == {
        ("missing", old[0].first),
        ("missing", new[0].second),
        ("undelivered", old[1].second),
    }


def test_members_that_come_and_go_accuse_nobody(scene: Scene) -> None:
    for _ in range(3):
        for _ in range(3):
            scene.talk()
        for _ in range(20):
            scene.workers[-1].step()
        assert scene.audit() == []
        scene.workers.pop().stop()
        scene.join()
    scene.work()
    assert scene.audit() == []
