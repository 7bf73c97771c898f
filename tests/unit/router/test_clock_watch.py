"""A clock that was ahead leaves the times of a partition ahead: who is
told, and how often.
"""

from pathlib import Path

import pytest

from angarium.domain.events import encode
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.kafka.record_batches import UNKNOWN_TIME
from angarium.ports.message_log import NewRecord
from angarium.router.clock_watch import AHEAD_MS, LOG_INTERVAL_S, ClockWatch
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from tests.fakes.clock import ManualClock
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.messages import MemoryMessages
from tests.fakes.presence import MemoryPresence
from tests.unit.router.events import ALICE_BOB, message
from tests.unit.router.harness import AT_ONCE, WorkerHarness
from tests.unit.services.log_lines import LogLines

AN_HOUR_MS = 3_600_000


def test_later_messages_are_told_to_be_ahead_by_how_much_once_a_partition_and_hour(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    ahead = clock.now_ms() + AN_HOUR_MS
    worker = harness.worker()
    harness.put(message("from a clock that is ahead"), ahead)
    harness.run(worker)
    for number in range(5):
        harness.put(message(str(number)))
        harness.run(worker)
    assert lines.of("clock_ahead") == [{"partition": 0, "ahead_ms": AN_HOUR_MS}]
    assert lines.levels("clock_ahead") == ["WARNING"]
    clock.advance(LOG_INTERVAL_S - 60)
    harness.put(message("almost an hour later"))
    harness.run(worker)
    assert len(lines.of("clock_ahead")) == 1
    clock.advance(60)
    harness.put(message("as late as the clock said"))
    harness.run(worker)
    assert len(lines.of("clock_ahead")) == 1, "the clocks have caught up"


def test_it_is_told_again_after_an_hour_and_at_once_of_another_partition(
    clock: ManualClock, lines: LogLines
) -> None:
    watch = ClockWatch(clock)
    for partition in (0, 1, 0, 1):
        watch.notice(partition, clock.now_ms() + 5_000, clock.now_ms())
    clock.advance(LOG_INTERVAL_S)
    watch.notice(0, clock.now_ms() + 4_000, clock.now_ms())
    assert [(line["partition"], line["ahead_ms"]) for line in lines.of("clock_ahead")] == [
        (0, 5_000),
        (1, 5_000),
        (0, 4_000),
    ]


@pytest.mark.parametrize("ahead_ms", [-AN_HOUR_MS, 0, AHEAD_MS - 1])
def test_clocks_that_are_in_step_are_not_told_of(
    clock: ManualClock, lines: LogLines, ahead_ms: int
) -> None:
    ClockWatch(clock).notice(0, clock.now_ms() + ahead_ms, clock.now_ms())
    assert lines.of("clock_ahead") == []


def test_a_worker_that_comes_late_tells_what_was_ahead_when_it_was_appended(
    clock: ManualClock, lines: LogLines
) -> None:
    watch = ClockWatch(clock)
    appended = clock.now_ms()
    clock.advance(2 * LOG_INTERVAL_S)
    watch.notice(0, appended + AN_HOUR_MS, appended)
    assert lines.of("clock_ahead") == [{"partition": 0, "ahead_ms": AN_HOUR_MS}]


def test_a_broker_whose_clock_is_still_ahead_is_told_of(
    clock: ManualClock, lines: LogLines
) -> None:
    ahead = clock.now_ms() + AN_HOUR_MS
    ClockWatch(clock).notice(0, ahead, ahead)
    assert lines.of("clock_ahead") == [{"partition": 0, "ahead_ms": AN_HOUR_MS}]


def test_a_record_whose_append_time_is_not_known_says_nothing_of_a_clock(
    clock: ManualClock, lines: LogLines
) -> None:
    ClockWatch(clock).notice(0, clock.now_ms(), UNKNOWN_TIME)
    assert lines.of("clock_ahead") == []


def test_a_worker_that_fails_and_goes_on_does_not_tell_it_again(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    worker = harness.worker()
    harness.put(message("a"), clock.now_ms() + AN_HOUR_MS)
    harness.run(worker)
    harness.log_faults.fail("poll", error=ZeroDivisionError())
    harness.put(message("b"))
    harness.run(worker)
    assert len(lines.of("worker_failed")) == 1
    assert len(lines.of("clock_ahead")) == 1


def test_it_is_told_on_the_embedded_engine_too(
    tmp_path: Path, clock: ManualClock, lines: LogLines
) -> None:
    database = Database.open(tmp_path / "data", 1)
    try:
        log = EmbeddedLog(database, clock)
        messages = MemoryMessages()
        worker = Worker(
            lambda: EmbeddedConsumer(database, log, "router"),
            1,
            messages,
            MemoryDeadLetters(),
            OnlineUsers(MemoryPresence(), 30.0, clock),
            clock,
            AT_ONCE,
        )
        clock.step_wall(AN_HOUR_MS)
        put(log, "from a clock that is ahead")
        clock.step_wall(-AN_HOUR_MS)
        put(log, "later")
        for _ in range(50):
            worker.step()
        worker.stop()
    finally:
        database.close()
    assert lines.of("clock_ahead") == [{"partition": 0, "ahead_ms": AN_HOUR_MS}]


def put(log: EmbeddedLog, text: str) -> None:
    """Append a message, as the API does."""
    record = NewRecord(
        str(ALICE_BOB).encode(), encode(message(text)), {"trace_id": "t", "schema": "1"}
    )
    log.append(record).result(30)
