"""What the log in memory does to a consumer that does not poll; the
time is the test's own.
"""

from angarium.ports.message_log import NewRecord, Position
from tests.fakes.clock import ManualClock
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.log import MemoryLog

RECORD = NewRecord(b"k", b"v", {})


def test_a_silent_consumer_loses_its_hold_without_knowing_and_cannot_commit() -> None:
    clock = ManualClock()
    log = MemoryLog(1, clock)
    silent, other = MemoryConsumer(log), MemoryConsumer(log)
    log.append(RECORD)
    (held,) = silent.poll(0).gained
    clock.advance(10.1)
    polled = other.poll(0)
    (taken,) = polled.gained
    assert [record.value for record in polled.records[taken]] == [b"v"]
    silent.commit({held: Position(1, 99)})
    other.close()
    polled = silent.poll(0)
    assert polled.lost == (held,)
    (again,) = polled.gained
    assert again.token != held.token
    assert polled.gained[again] == Position(0, -1)
    assert [record.value for record in polled.records[again]] == [b"v"]


def test_a_hold_that_was_taken_away_is_told_after_the_commit_is_refused() -> None:
    log = MemoryLog(1)
    consumer = MemoryConsumer(log)
    log.append(RECORD)
    (held,) = consumer.poll(0).gained
    with log.changed:
        log.group("router").take_away(0)
    consumer.commit({held: Position(1)})
    polled = consumer.poll(0)
    assert polled.lost == (held,)
    (again,) = polled.gained
    assert [record.offset for record in polled.records[again]] == [0]


def test_a_consumer_that_keeps_polling_keeps_its_hold() -> None:
    clock = ManualClock()
    log = MemoryLog(1, clock)
    first, other = MemoryConsumer(log), MemoryConsumer(log)
    assert first.poll(0).gained
    for _ in range(5):
        clock.advance(9)
        assert not first.poll(0).lost
        assert not other.poll(0).gained


def test_the_log_s_time_may_step_back_and_records_may_be_anything() -> None:
    clock = ManualClock(now_ms=1_000)
    log = MemoryLog(1, clock)
    log.append(RECORD)
    clock.step_wall(-400)
    log.append(RECORD)
    log.append_raw(0, None, None)
    assert [(each.offset, each.timestamp, each.key) for each in log.records()] == [
        (0, 1_000, b"k"),
        (1, 600, b"k"),
        (2, 600, None),
    ]
