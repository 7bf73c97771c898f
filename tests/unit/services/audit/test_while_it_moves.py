"""Between any two reads of an audit, anything may happen."""

import random
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.message import Message
from angarium.ports.log_inspection import BuriedRecord, GroupMember, OffsetRange
from angarium.ports.message_log import Position, Record
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreNode
from angarium.services.audit import log_scan, store_walk
from angarium.services.outage_retry import MAX_S
from tests.fakes.clock import ManualClock
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.unit.router.events import ALICE, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import GROUP, WorkerHarness
from tests.unit.services.audit.audited_service import AuditedService, Outcome, run_audit

START = 1_700_000_000_000
PARTITIONS = 2
PAIRS = [(ALICE, BOB), (BOB, ALICE), (BOB, CAROL)]


class Town:
    """A service in which something happens whenever it is asked."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.harness = WorkerHarness(ManualClock(), PARTITIONS)
        self.service = AuditedService(self.harness)
        self._workers = [self.harness.worker(), self.harness.worker()]
        self._at = START
        self._moves = [
            self._send,
            self._send,
            self._confirm,
            self._poison,
            self._work,
            self._work,
            self._work,
            self._rebalance,
            self._expire,
            self._fail,
        ]
        self.failing = 0

    def move(self) -> None:
        """Let up to three things happen."""
        for _ in range(self._random.randrange(4)):
            self._random.choice(self._moves)()

    def _send(self) -> None:
        pair = self._random.choice(PAIRS)
        message_id = message_id_of(self._random.randrange(40))
        self._at += self._random.choice([0, 1, 5, -3])
        self.harness.put(message(f"{self._at}", *pair, message_id), self._at)

    def _confirm(self) -> None:
        one, other = self._random.choice(PAIRS)
        stored = self.harness.messages.stored(message("", one, other).conversation_id)
        if stored:
            chosen = self._random.choices(stored, k=2)
            ids = list(dict.fromkeys(each.message_id for each in chosen))
            self.harness.put(receipt(ids, one, other), self._at)

    def _poison(self) -> None:
        self.harness.log.append_raw(self._random.randrange(PARTITIONS), b"?", b"!", {}, self._at)

    def _work(self) -> None:
        self._random.choice(self._workers).step()

    def _rebalance(self) -> None:
        self.harness.take_away(self._random.randrange(PARTITIONS))

    def _expire(self) -> None:
        partition = self._random.randrange(PARTITIONS)
        first, _ = self.harness.log.range(partition)
        committed = self.harness.position(partition).offset
        if committed > first and self._random.random() < 0.3:
            offset = self._random.randrange(first, committed) + 1
            removed = self.harness.log._records[partition][:offset]
            watermark = max(record.timestamp for record in removed)
            self.harness.log.expire(partition, offset)
            self.service.store.starts[partition] = Position(offset, watermark)

    def _fail(self) -> None:
        self.failing = self._random.randrange(3)


class MovingLog:
    """A log inspector around which things happen."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._log = MemoryLogInspector(town.harness.log, GROUP)

    def _ask(self) -> None:
        self._town.move()
        if self._town.failing:
            self._town.failing -= 1
            raise LogUnavailable("away")

    def ranges(self) -> Sequence[OffsetRange]:
        self._ask()
        return self._log.ranges()

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        self._ask()
        return self._log.read(partition, offset, limit)

    def committed(self) -> Mapping[int, Position]:
        self._ask()
        return self._log.committed()

    def members(self) -> Sequence[GroupMember]:
        return self._log.members()


class MovingDeadLetters:
    """An inspector of dead letters around which things happen."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._letters = MemoryDeadLetterInspector(town.harness.dead_letters)

    def walk(self) -> Iterator[BuriedRecord]:
        self._town.move()
        for number, letter in enumerate(list(self._letters.walk())):
            if self._town.failing and number == 1:
                self._town.failing = 0
                raise LogUnavailable("away")
            yield letter

    def count(self) -> int:
        return self._letters.count()

    def kept_since(self) -> int:
        return self._letters.kept_since()


class MovingStore:
    """A store inspector around which things happen."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._store = town.service.store

    def _ask(self) -> None:
        self._town.move()
        if self._town.failing:
            self._town.failing -= 1
            raise StoreUnavailable("away")

    def conversation_ids(self, after: UUID | None, limit: int) -> Sequence[UUID]:
        self._ask()
        return self._store.conversation_ids(after, limit)

    def messages(
        self, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        self._ask()
        return self._store.messages(conversation_id, after, limit)

    def index(self, conversation_id: UUID, after: UUID | None, limit: int) -> Sequence[IndexRow]:
        self._ask()
        return self._store.index(conversation_id, after, limit)

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        return self._store.find(conversation_id, message_id)

    def log_starts(self) -> Mapping[int, Position]:
        self._ask()
        return self._store.log_starts()

    def replicas(self, conversation_id: UUID) -> Sequence[str]:
        return ()

    def nodes(self) -> Sequence[StoreNode]:
        return ()

    def size_bytes(self) -> int | None:
        return None


def audit(town: Town) -> Outcome:
    return run_audit(
        MovingLog(town), MovingDeadLetters(town), MovingStore(town), town.harness.clock
    )


@pytest.fixture(autouse=True)
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (store_walk, "IDS_PER_READ"),
        (store_walk, "ROWS_PER_READ"),
        (log_scan, "RECORDS_PER_READ"),
    ):
        monkeypatch.setattr(module, name, 3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_nobody_is_accused_whatever_happens_meanwhile(seed: int) -> None:
    town = Town(seed)
    for _ in range(40):
        town.move()
    for _ in range(3):
        assert audit(town).findings == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_a_damage_from_before_is_found_whatever_happens_meanwhile(seed: int) -> None:
    town = Town(seed)
    harness = town.harness
    harness.put(message("before", message_id=UUID(int=9)), START - 10)
    while not harness.all_committed():
        town._work()
    conversation_id = message("").conversation_id
    (row,) = harness.messages.stored(conversation_id)
    town.service.store.put_message(row._replace(content="after"))
    # What is damaged by hand stays as it is.
    town._moves.remove(town._confirm)
    town._moves.remove(town._expire)
    for _ in range(20):
        town.move()
    assert [(each.kind.value, each.message_id) for each in audit(town).findings] == [
        ("altered", UUID(int=9))
    ]


def test_an_outage_that_does_not_end_ends_the_audit() -> None:
    town = Town(0)
    town.failing = 10**9
    town._moves.clear()
    town._moves.append(lambda: None)
    began = town.harness.clock.monotonic()
    with pytest.raises(LogUnavailable, match="away"):
        audit(town)
    waited = town.harness.clock.monotonic() - began
    assert MAX_S / 2 < waited <= MAX_S


def test_a_log_that_has_lost_committed_records_is_no_basis() -> None:
    town = Town(0)
    town._moves.clear()
    town._moves.append(lambda: None)
    town.harness.put(message("one"))
    town.harness.put(message("two"))
    while not town.harness.all_committed():
        town._work()
    for records in town.harness.log._records:
        del records[1:]
    with pytest.raises(LogUnavailable, match="ends at 1, but the group has committed 2"):
        audit(town)


@pytest.mark.parametrize("rate", [1, 7, 100])
def test_the_store_is_read_at_the_rate_that_was_asked_for(rate: int) -> None:
    town = Town(0)
    for number in range(50):
        town.harness.put(message(f"{number}"))
    while not town.harness.all_committed():
        town._work()
    before = town.harness.clock.monotonic()
    outcome = town.service.audit(rate=rate)
    spent = town.harness.clock.monotonic() - before
    # Rows of the index are read too.
    assert outcome.audited.rows == 100
    assert spent == pytest.approx(100 / rate, abs=0.01)
