import math
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from angarium.deadline import remaining, within


def test_without_a_deadline_a_call_has_its_own_bound() -> None:
    assert remaining(3.5) == 3.5


def test_a_call_waits_no_longer_than_the_deadline_allows() -> None:
    with within(10):
        assert 0 < remaining(60) <= 10
        assert remaining(2) == 2


def test_the_rest_shrinks_as_time_passes() -> None:
    with within(60):
        first = remaining(math.inf)
        give_up_at = time.monotonic() + 5
        while remaining(math.inf) >= first:
            assert time.monotonic() < give_up_at
    assert remaining(math.inf) == math.inf


@pytest.mark.parametrize("seconds", [0, -1, -math.inf])
def test_when_the_time_is_up_nothing_is_left_and_never_less(seconds: float) -> None:
    with within(seconds):
        assert remaining(60) == 0


def test_the_nearer_of_two_deadlines_counts() -> None:
    with within(5):
        with within(60):
            assert remaining(math.inf) <= 5
        with within(1):
            assert remaining(math.inf) <= 1
        assert 1 < remaining(math.inf) <= 5


def test_a_deadline_ends_with_its_block_even_when_the_work_fails() -> None:
    with pytest.raises(OSError), within(0):
        raise OSError
    assert remaining(60) == 60


def test_each_thread_has_its_own_deadline_unless_the_context_is_handed_over() -> None:
    with within(0), ThreadPoolExecutor(1) as pool:
        assert pool.submit(remaining, 60).result() == 60
        assert pool.submit(copy_context().run, remaining, 60).result() == 0
