import sys
from collections.abc import Iterator

import pytest

from angarium.api.transport.switch_interval import CROWD, SwitchInterval

CALM_S = 0.003
CROWDED_S = 0.001


@pytest.fixture(autouse=True)
def calm() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(CALM_S)
    yield
    sys.setswitchinterval(before)


def test_many_jobs_make_threads_switch_sooner() -> None:
    SwitchInterval(CROWDED_S).adjust(CROWD)
    assert sys.getswitchinterval() == pytest.approx(CROWDED_S)


def test_few_jobs_bring_back_what_was_set_before() -> None:
    tested = SwitchInterval(CROWDED_S)
    tested.adjust(CROWD)
    tested.adjust(CROWD - 1)
    assert sys.getswitchinterval() == pytest.approx(CALM_S)
