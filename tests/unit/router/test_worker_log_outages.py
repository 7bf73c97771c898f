from angarium.domain.errors import LogUnavailable
from angarium.ports.message_log import Position
from tests.fakes.clock import ManualClock
from tests.unit.router.events import message
from tests.unit.router.harness import WorkerHarness, let_pass
from tests.unit.services.log_lines import LogLines


def test_a_log_that_is_out_is_left_alone_for_growing_waits_and_read_again(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    worker = harness.worker()
    worker.step()
    harness.log_faults.fail("poll", times=8)
    harness.put(message("a"))
    polls = harness.log_faults.calls["poll"]
    let_pass(harness, worker, 15, step=0.01)
    assert harness.texts() == ["a"]
    assert [line["delay_ms"] for line in lines.of("retry")] == [
        50,
        100,
        200,
        400,
        800,
        1600,
        3000,
        3000,
    ]
    assert len(lines.of("log_unavailable")) == len(lines.of("log_available")) == 1
    assert harness.log_faults.calls["poll"] > polls + 8


def test_a_failed_commit_is_tried_again_after_a_later_poll(
    harness: WorkerHarness, clock: ManualClock, lines: LogLines
) -> None:
    harness.log_faults.fail("commit", times=3)
    harness.log_faults.fail_after_effect("commit", times=1, skip=0)
    harness.put(message("a"), 4000)
    worker = harness.worker()
    let_pass(harness, worker, 0.1)
    assert harness.position() == Position(0, -1)
    harness.put(message("b"), 3000)
    let_pass(harness, worker, 10)
    assert harness.position() == Position(2, 4000)
    assert len(lines.of("commit_unavailable")) == 1
    assert len(lines.of("retry")) == 4


def test_a_failed_commit_waits_before_it_is_tried_again(harness: WorkerHarness) -> None:
    harness.log_faults.fail("commit", times=10)
    harness.put(message("a"))
    worker = harness.worker()
    for _ in range(20):
        worker.step()
    assert harness.log_faults.calls["commit"] == 1


def test_work_goes_on_while_the_log_is_out(harness: WorkerHarness, clock: ManualClock) -> None:
    harness.store_faults.fail("record", times=2)
    harness.put(message("a"))
    worker = harness.worker()
    worker.step()
    harness.log_faults.fail("poll", times=10_000, error=LogUnavailable("out"))
    let_pass(harness, worker, 5)
    assert harness.texts() == ["a"]
