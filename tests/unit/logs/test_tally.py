import math

from angarium.logs.tally import Tally


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
