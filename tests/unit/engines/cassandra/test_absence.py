from angarium.engines.cassandra.absence import Absence
from tests.fakes.clock import ManualClock


def test_an_absence_is_long_after_its_time_and_not_before() -> None:
    clock = ManualClock()
    absence = Absence(5.0, clock.monotonic)
    assert not absence.is_long(present=False)
    clock.advance(4.9)
    assert not absence.is_long(present=False)
    clock.advance(0.1)
    assert absence.is_long(present=False)


def test_whoever_was_there_in_between_is_absent_from_then_on() -> None:
    clock = ManualClock()
    absence = Absence(5.0, clock.monotonic)
    for present in (False, True, False):
        clock.advance(4.0)
        assert not absence.is_long(present)
    clock.advance(4.0)
    assert not absence.is_long(present=False)
    clock.advance(1.0)
    assert absence.is_long(present=False)


def test_nobody_is_absent_before_the_first_look() -> None:
    clock = ManualClock()
    absence = Absence(5.0, clock.monotonic)
    clock.advance(60.0)
    assert not absence.is_long(present=False)
