import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded import retention as retention_module
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import EmbeddedLogInspector
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.engines.embedded.retention import LogRetention
from angarium.ports.message_log import (
    BEGINNING,
    DeadLetter,
    NewRecord,
    Position,
    Record,
)
from tests.fakes.clock import ManualClock

PATIENCE = 30.0
PARTITIONS = 4
RETENTION_S = 100
KEYS = {partition_for(b"key-%d" % number, PARTITIONS): b"key-%d" % number for number in range(50)}


class Group:
    """A consumer group that applies and commits what it reads."""

    def __init__(self, database: Database, log: EmbeddedLog, name: str) -> None:
        self._consumer = EmbeddedConsumer(database, log, name)
        self._held = {each.partition: each for each in self._consumer.poll(0).gained}

    def apply_all(self) -> list[Record]:
        """Read and commit everything there is."""
        applied: list[Record] = []
        while polled := self._consumer.poll(0).records:
            for assignment, records in polled.items():
                applied += records
                self._consumer.commit({assignment: Position(records[-1].offset + 1, 0)})
        return applied


class Sut:
    """An embedded log with its retention, and a clock to move."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.database = Database.open(folder, PARTITIONS)
        self.log = EmbeddedLog(self.database, self.clock)
        self.retention = LogRetention(self.database, "router", RETENTION_S, self.clock)

    def append(self, count: int = 1, partition: int = 0, value: bytes = b"value") -> None:
        for each in [self.log.append(NewRecord(KEYS[partition], value, {})) for _ in range(count)]:
            each.result(PATIENCE)

    def group(self, name: str = "router") -> Group:
        return Group(self.database, self.log, name)

    def offsets(self, partition: int = 0) -> list[int]:
        """Give the offsets of the records that are left."""
        return self.database.read(
            lambda connection: [
                offset
                for (offset,) in connection.execute(
                    "SELECT offset FROM log WHERE partition = ? ORDER BY offset", (partition,)
                )
            ]
        )

    def starts(self) -> dict[int, Position]:
        return self.database.read(read_log_starts)


@pytest.fixture
def sut(folder: Path) -> Iterator[Sut]:
    opened = Sut(folder)
    yield opened
    opened.database.close()


def test_what_is_applied_and_old_is_removed(sut: Sut) -> None:
    sut.append(3)
    sut.append(1, partition=2)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 4
    assert (sut.offsets(0), sut.offsets(2)) == ([], [])


def test_what_is_younger_stays(sut: Sut) -> None:
    sut.append(2)
    sut.clock.advance(1)
    sut.append(2)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S - 1.001)
    assert sut.retention.remove_expired() == 0
    sut.clock.advance(0.001)
    assert sut.retention.remove_expired() == 2
    assert sut.offsets() == [2, 3]


def test_what_is_not_applied_stays_however_old(sut: Sut) -> None:
    group = sut.group()
    sut.append(2)
    group.apply_all()
    sut.append(2)
    sut.clock.advance(1_000 * RETENTION_S)
    assert sut.retention.remove_expired() == 2
    assert sut.offsets() == [2, 3]


def test_a_group_that_never_committed_needs_every_record(sut: Sut) -> None:
    sut.append(2)
    sut.group("former").apply_all()
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 0
    assert len(sut.group().apply_all()) == 2
    assert sut.retention.remove_expired() == 2


def test_a_group_that_is_behind_keeps_what_it_has_not_applied(sut: Sut) -> None:
    behind = sut.group("behind")
    sut.append(2)
    behind.apply_all()
    sut.append(3)
    sut.append(1, partition=1)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 2
    assert [each.offset for each in behind.apply_all() if each.partition == 0] == [2, 3, 4]
    assert sut.retention.remove_expired() == 4


def test_the_transaction_itself_refuses_what_is_not_applied(sut: Sut) -> None:
    group = sut.group()
    sut.append(2)
    group.apply_all()
    sut.append(2)
    assert sut.retention._removals.wait((0, 4)) == 2
    assert sut.retention._removals.wait((0, 4)) == 0
    assert (sut.offsets(), sut.starts()[0].offset) == ([2, 3], 2)


def test_the_start_keeps_the_largest_time_of_what_is_gone(sut: Sut) -> None:
    sut.append(2)
    late = sut.clock.now_ms() + 5_000
    sut.clock.step_wall(5_000)
    sut.append(1)
    sut.clock.step_wall(-5_000)
    sut.append(1)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S + 5)
    sut.retention.remove_expired()
    assert sut.starts() == {0: Position(4, late)}
    sut.append(1)
    sut.group().apply_all()
    sut.clock.step_wall(1_000 * RETENTION_S)
    sut.retention.remove_expired()
    assert sut.starts() == {0: Position(5, late + RETENTION_S * 1000)}


def note_sizes(sut: Sut, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give a list that grows by the size of each removal."""
    sizes: list[int] = []
    remove = sut.retention._remove_before

    def note(connection: sqlite3.Connection, partition: int, end: int) -> int:
        sizes.append(remove(connection, partition, end))
        return sizes[-1]

    monkeypatch.setattr(sut.retention, "_remove_before", note)
    return sizes


def test_a_portion_is_bounded_and_all_portions_take_all(
    sut: Sut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "PORTION", 10)
    sut.append(25)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    sizes = note_sizes(sut, monkeypatch)
    assert sut.retention.remove_expired() == 25
    assert sizes == [10, 10, 5]


def test_it_stops_between_two_portions(sut: Sut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_module, "PORTION", 10)
    sut.append(25)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    stopping = threading.Event()
    remove = sut.retention._remove_before

    def remove_and_stop(connection: sqlite3.Connection, partition: int, end: int) -> int:
        stopping.set()
        return remove(connection, partition, end)

    monkeypatch.setattr(sut.retention, "_remove_before", remove_and_stop)
    assert sut.retention.remove_expired(stopping) == 10


def test_a_clock_that_jumps_forward_takes_nothing_that_is_not_applied(sut: Sut) -> None:
    group = sut.group()
    sut.append(2)
    group.apply_all()
    sut.append(2)
    sut.clock.step_wall(10**12)
    assert sut.retention.remove_expired() == 2
    sut.clock.step_wall(-(10**12))
    assert sut.offsets() == [2, 3]
    assert len(group.apply_all()) == 2


@pytest.mark.parametrize("portion", [1, 2, 1_000])
def test_records_from_the_future_go_with_the_expired_ones_behind_them(
    sut: Sut, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr(retention_module, "PORTION", portion)
    sut.append(1)
    sut.clock.step_wall(10**12)
    sut.append(3)
    sut.clock.step_wall(-(10**12))
    sut.append(1)
    sut.clock.step_wall(10**12)
    sut.append(1)
    sut.clock.step_wall(-(10**12))
    sut.group().apply_all()
    assert sut.retention.remove_expired() == 0
    sut.clock.advance(RETENTION_S)
    sut.append(1)
    sut.group().apply_all()
    sizes = note_sizes(sut, monkeypatch)
    assert sut.retention.remove_expired() == 5
    assert sut.offsets() == [5, 6]
    assert max(sizes) <= portion


def test_a_record_from_the_past_does_not_take_younger_ones_along(sut: Sut) -> None:
    sut.append(1)
    sut.clock.step_wall(-(10**12))
    sut.append(1)
    sut.clock.step_wall(10**12)
    sut.group().apply_all()
    assert sut.retention.remove_expired() == 0
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 2


def test_dead_letters_stay(sut: Sut) -> None:
    letters = EmbeddedDeadLetters(sut.database)
    sut.append(1)
    (record,) = sut.group().apply_all()
    letter = DeadLetter("undecodable_event", "no JSON", record, "1" * 32)
    letters.append(letter).result(PATIENCE)
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 1
    assert letters.read(10) == [letter]


def test_a_new_group_begins_at_the_first_record_with_the_watermark_before_it(sut: Sut) -> None:
    sut.append(2)
    before = sut.clock.now_ms()
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    sut.append(1)
    sut.retention.remove_expired()
    consumer = EmbeddedConsumer(sut.database, sut.log, "new")
    gained = {each.partition: position for each, position in consumer.poll(0).gained.items()}
    assert gained == {0: Position(2, before), 1: BEGINNING, 2: BEGINNING, 3: BEGINNING}
    assert [each.offset for records in consumer.poll(0).records.values() for each in records] == [
        2
    ]


def test_who_looks_sees_the_range_that_is_left(sut: Sut) -> None:
    sut.append(3)
    sut.append(1, partition=2)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)
    sut.append(1)
    sut.retention.remove_expired()
    inspector = EmbeddedLogInspector(sut.database, "router", lambda: None)
    assert list(inspector.ranges()) == [(3, 4), (0, 0), (1, 1), (0, 0)]
    assert [each.offset for each in inspector.read(0, 0, 10)] == [3]


def test_the_files_room_is_used_again(sut: Sut) -> None:
    def pages(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA page_count").fetchone()[0])

    group = sut.group()
    sizes = []
    for _ in range(20):
        sut.append(200, value=bytes(2_000))
        group.apply_all()
        sut.clock.advance(RETENTION_S / 2)
        sut.retention.remove_expired()
        sizes.append(sut.database.read(pages))
    assert sizes[0] > 50
    assert sizes[-1] <= 1.05 * sizes[3]


class Turns(threading.Event):
    """Lets `run` look so many times."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.left = count

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= timeout == retention_module.INTERVAL_S
        return self.left < 0


@pytest.mark.parametrize(("retention_s", "pause_s"), [(1, 1.0), (5, 5.0), (604_800, 5.0)])
def test_it_looks_often_enough_for_a_short_retention(
    sut: Sut, retention_s: int, pause_s: float
) -> None:
    class Pauses(threading.Event):
        seen: float | None = None

        def wait(self, timeout: float | None = None) -> bool:
            self.seen = timeout
            return True

    pauses = Pauses()
    LogRetention(sut.database, "router", retention_s, sut.clock).run(pauses)
    assert pauses.seen == pause_s


def test_on_a_full_disk_it_says_so_once_and_goes_on(
    sut: Sut, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter([LogUnavailable("full"), LogUnavailable("full"), None, LogUnavailable("again")])

    def turn(_: threading.Event) -> int:
        if (error := next(turns)) is not None:
            raise error
        return 0

    monkeypatch.setattr(sut.retention, "remove_expired", turn)
    with caplog.at_level("INFO"):
        sut.retention.run(Turns(4))
    assert [record.__dict__.get("action") for record in caplog.records] == [
        "retention_failed",
        "retention_recovered",
        "retention_failed",
    ]


def test_a_group_that_holds_old_records_is_named_once(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    former = sut.group("former")
    sut.append(1)
    former.apply_all()
    sut.append(1)
    sut.append(1, partition=1)
    sut.group().apply_all()
    sut.retention.run(Turns(1))
    assert caplog.records == []
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(3))
    (line,) = caplog.records
    assert line.__dict__["action"] == "retention_held"
    assert line.__dict__["fields"] == {"groups": "former"}
    former.apply_all()
    sut.retention.run(Turns(1))
    assert (sut.offsets(0), sut.offsets(1)) == ([], [])
    assert len(caplog.records) == 1


def test_a_group_that_began_after_a_removal_is_named_too(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    ours = sut.group()
    sut.append(1, partition=1)
    ours.apply_all()
    sut.clock.advance(RETENTION_S)
    assert sut.retention.remove_expired() == 1
    later = sut.group("later")
    sut.append(1)
    later.apply_all()
    sut.append(1, partition=1)
    ours.apply_all()
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(1))
    assert (sut.offsets(0), sut.offsets(1)) == ([], [1])
    assert [line.__dict__["fields"] for line in caplog.records] == [{"groups": "later"}]


def test_nobody_holds_what_our_own_group_has_not_applied(
    sut: Sut, caplog: pytest.LogCaptureFixture
) -> None:
    sut.append(1)
    former, ours = sut.group("former"), sut.group()
    former.apply_all()
    ours.apply_all()
    sut.append(1)
    sut.clock.advance(RETENTION_S)
    sut.retention.run(Turns(2))
    assert caplog.records == []


def test_a_removal_that_finds_no_space_changes_nothing(sut: Sut) -> None:
    sut.append(3)
    sut.group().apply_all()
    sut.clock.advance(RETENTION_S)

    def refuse(connection: sqlite3.Connection, items: Sequence[bool]) -> Sequence[None]:
        for each in items:
            connection.set_authorizer(
                (lambda action, *_: sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_DELETE else 0)
                if each
                else None
            )
        return [None] * len(items)

    refusals = sut.database.register(refuse)
    refusals.wait(True)
    with pytest.raises(LogUnavailable):
        sut.retention.remove_expired()
    assert (sut.offsets(), sut.starts()) == ([0, 1, 2], {})
    refusals.wait(False)
    assert sut.retention.remove_expired() == 3


class AnyHistory(RuleBasedStateMachine):
    """Appends, commits of two groups, removals, restarts, and clocks
    that jump, in any order.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.sut = Sut(Path(self._folder.name))
        self.times: dict[int, list[int]] = {0: [], 1: []}
        self.applied: dict[str, dict[int, int]] = {"router": {}}

    def teardown(self) -> None:
        self.sut.database.close()
        self._folder.cleanup()

    @rule(partition=st.sampled_from([0, 1]), count=st.integers(1, 3))
    def append(self, partition: int, count: int) -> None:
        self.times[partition] += [self.sut.clock.now_ms()] * count
        self.sut.append(count, partition)

    @rule(seconds=st.sampled_from([1, RETENTION_S // 2, RETENTION_S]))
    def advance(self, seconds: int) -> None:
        self.sut.clock.advance(seconds)

    @rule(milliseconds=st.sampled_from([-(10**9), -5_000, 5_000, 10**9]))
    def step_wall(self, milliseconds: int) -> None:
        self.sut.clock.step_wall(milliseconds)

    @rule(name=st.sampled_from(["router", "other"]))
    def apply(self, name: str) -> None:
        """A group sees every record once, from where it was."""
        starts = self.sut.starts()
        applied = self.applied.setdefault(name, {})
        for record in self.sut.group(name).apply_all():
            start = starts.get(record.partition, BEGINNING).offset
            assert record.offset == applied.get(record.partition, start)
            applied[record.partition] = record.offset + 1
        if not applied:
            del self.applied[name]
            self.applied.setdefault("router", {})

    @rule()
    def remove(self) -> None:
        """Only what every group has applied goes, and nothing young."""
        before = {each: self.sut.offsets(each) for each in self.times}
        now = self.sut.clock.now_ms()
        self.sut.retention.remove_expired()
        for partition, offsets in before.items():
            gone = sorted(set(offsets) - set(self.sut.offsets(partition)))
            applied = min(each.get(partition, 0) for each in self.applied.values())
            assert all(each < applied for each in gone)
            ages = [now - self.times[partition][each] for each in gone]
            assert not [age for age in ages if 0 <= age < RETENTION_S * 1000]

    @rule()
    def reopen(self) -> None:
        self.sut.database.close()
        now = self.sut.clock.now_ms()
        self.sut = Sut(Path(self._folder.name))
        self.sut.clock.step_wall(now - self.sut.clock.now_ms())

    @invariant()
    def the_log_is_whole_from_its_starts_on(self) -> None:
        ends = self.sut.log.ends()
        for partition, times in self.times.items():
            start = self.sut.starts().get(partition, BEGINNING)
            assert self.sut.offsets(partition) == list(range(start.offset, len(times)))
            assert start.watermark == max(times[: start.offset], default=-1)
            assert ends[partition] == len(times)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(stateful_step_count=20, deadline=None)


def test_offsets_go_on_after_everything_was_removed_and_a_restart(folder: Path) -> None:
    with closing(Sut(folder).database) as database:
        log = EmbeddedLog(database, ManualClock())
        for _ in range(3):
            log.append(NewRecord(KEYS[1], b"v", {})).result(PATIENCE)
        Group(database, log, "router").apply_all()
        later = ManualClock()
        later.advance(RETENTION_S)
        assert LogRetention(database, "router", RETENTION_S, later).remove_expired() == 3
    sut = Sut(folder)
    with closing(sut.database):
        sut.append(1, partition=1)
        assert sut.offsets(1) == [3]
        assert [each.offset for each in sut.group().apply_all()] == [3]
