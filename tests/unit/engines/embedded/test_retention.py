import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from angarium.engines.embedded import retention as retention_module
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import EmbeddedLogInspector
from angarium.engines.embedded.retention import LogRetention
from angarium.ports.message_log import (
    BEGINNING,
    DeadLetter,
    NewRecord,
    Position,
)
from tests.fakes.clock import ManualClock
from tests.unit.engines.embedded.retention_harness import KEYS, PATIENCE, RETENTION_S, Group, Sut


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
