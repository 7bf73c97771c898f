from angarium.domain.errors import LogUnavailable
from angarium.ports.message_log import Position
from tests.fakes.clock import ManualClock
from tests.unit.router.events import message
from tests.unit.router.rig import Rig, let_pass
from tests.unit.services.log_lines import LogLines


def test_a_log_that_is_out_is_left_alone_for_growing_waits_and_read_again(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    worker = rig.worker()
    worker.step()
    rig.log_faults.fail("poll", times=8)
    rig.put(message("a"))
    polls = rig.log_faults.calls["poll"]
    let_pass(rig, worker, 15, step=0.01)
    assert rig.texts() == ["a"]
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
    assert rig.log_faults.calls["poll"] > polls + 8


def test_a_failed_commit_is_tried_again_after_a_later_poll(
    rig: Rig, clock: ManualClock, lines: LogLines
) -> None:
    rig.log_faults.fail("commit", times=3)
    rig.log_faults.fail_after_effect("commit", times=1, skip=0)
    rig.put(message("a"), 4000)
    worker = rig.worker()
    let_pass(rig, worker, 0.1)
    assert rig.position() == Position(0, -1)
    rig.put(message("b"), 3000)
    let_pass(rig, worker, 10)
    assert rig.position() == Position(2, 4000)
    assert len(lines.of("commit_unavailable")) == 1
    assert len(lines.of("retry")) == 4


def test_a_failed_commit_waits_before_it_is_tried_again(rig: Rig) -> None:
    rig.log_faults.fail("commit", times=10)
    rig.put(message("a"))
    worker = rig.worker()
    for _ in range(20):
        worker.step()
    assert rig.log_faults.calls["commit"] == 1


def test_work_goes_on_while_the_log_is_out(rig: Rig, clock: ManualClock) -> None:
    rig.store_faults.fail("record", times=2)
    rig.put(message("a"))
    worker = rig.worker()
    worker.step()
    rig.log_faults.fail("poll", times=10_000, error=LogUnavailable("out"))
    let_pass(rig, worker, 5)
    assert rig.texts() == ["a"]
