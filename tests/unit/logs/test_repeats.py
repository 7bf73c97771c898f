import logging
import math

from angarium import logs
from angarium.logs.libraries import PERIOD_S
from angarium.logs.repeats import Repeats, Tally
from tests.fakes.clock import ManualClock
from tests.unit.logs.lines import Stderr

_log = logs.get("angarium.test")


def test_the_first_of_a_kind_is_written_and_then_one_in_ten_seconds_with_how_many_were_left_out(
    clock: ManualClock, stderr: Stderr
) -> None:
    repeats = Repeats(clock.monotonic)
    for _ in range(25):
        _log.limited_warning(repeats, "retry", "m", attempt=1)
        clock.advance(1.0)
    assert [(line["level"], line.get("repeats")) for line in stderr.lines()] == [
        ("WARNING", None),
        ("WARNING", 9),
        ("WARNING", 9),
    ]


def test_each_action_is_counted_by_itself(clock: ManualClock, stderr: Stderr) -> None:
    repeats = Repeats(clock.monotonic)
    for _ in range(3):
        _log.limited_warning(repeats, "log_unavailable", "m")
        _log.limited_error(repeats, "store_unavailable", "m", ValueError("bad"))
    assert [(line["action"], line["level"], "traceback" in line) for line in stderr.lines()] == [
        ("log_unavailable", "WARNING", False),
        ("store_unavailable", "ERROR", True),
    ]


def test_what_is_left_out_is_there_at_debug(clock: ManualClock, stderr: Stderr) -> None:
    logging.getLogger("angarium").setLevel("DEBUG")
    repeats = Repeats(clock.monotonic)
    for number in range(3):
        _log.limited_warning(repeats, "retry", "m", number=number)
    assert [(line["level"], line["number"]) for line in stderr.lines()] == [
        ("WARNING", 0),
        ("DEBUG", 1),
        ("DEBUG", 2),
    ]


def test_what_comes_back_after_a_while_is_written_at_once(clock: ManualClock) -> None:
    repeats = Repeats(clock.monotonic)
    assert repeats.fields() == {}
    clock.advance(PERIOD_S)
    assert repeats.fields() == {}


def test_nothing_is_told_of_nothing() -> None:
    assert Tally().due(0.0) == 0


def test_the_first_is_told_at_once_and_the_next_ones_together() -> None:
    tally = Tally(every=10.0)
    tally.add()
    assert tally.due(100.0) == 1
    for second in range(1, 10):
        tally.add(2)
        assert tally.due(100.0 + second) == 0
    assert tally.due(110.0) == 18
    assert tally.due(120.0) == 0


def test_what_happens_after_a_rest_is_told_at_once() -> None:
    tally = Tally(every=10.0)
    tally.add()
    tally.due(100.0)
    tally.add(3)
    assert tally.due(200.0) == 3


def test_the_last_ones_are_told_at_the_end() -> None:
    tally = Tally()
    tally.add()
    tally.due(100.0)
    tally.add()
    assert tally.due(math.inf) == 1
